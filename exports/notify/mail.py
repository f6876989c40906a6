"""Messages by e-mail, sent with Django; EMAIL_URL names the server."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage

from .message import Text
from .undelivered import Undelivered


def is_set_up() -> bool:
    return bool(settings.EMAIL_HOST and settings.ALARM_EMAILS and settings.EMAIL_FROM)


def reaches(address: str) -> bool:
    """Return whether one person can be written to: there is a server, a sender and their address."""
    return bool(address and settings.EMAIL_HOST and settings.EMAIL_FROM)


def send(text: Text) -> None:
    """Send one message to all addresses: those of its audience, else those of ALARM_EMAILS.

    Raises Undelivered; the server's own message may hold addresses and is left out.
    """
    to = text.audience.to
    message = EmailMessage(text.subject, text.body, settings.EMAIL_FROM, to or settings.ALARM_EMAILS)
    try:
        message.send()
    except smtplib.SMTPAuthenticationError as error:
        raise Undelivered(f"The mail server refuses the user and password of EMAIL_URL ({error.smtp_code}).") from None
    except smtplib.SMTPSenderRefused as error:
        raise Undelivered(f"The mail server refuses EMAIL_FROM as a sender ({error.smtp_code}).") from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({str(code) for code, _ in error.recipients.values()})
        whose = "the address of each account to notify" if to else "every address of ALARM_EMAILS"
        raise Undelivered(f"The mail server refuses {whose} ({', '.join(codes)}).") from None
    except smtplib.SMTPNotSupportedError:
        raise Undelivered(
            "The mail server does not support what EMAIL_URL requires, STARTTLS or signing in; see docs/alarms.md."
        ) from None
    except smtplib.SMTPResponseException as error:
        raise Undelivered(f"The mail server does not accept the message ({error.smtp_code}).") from None
    except smtplib.SMTPServerDisconnected:
        raise Undelivered("The mail server of EMAIL_URL took too long, or ended the connection.") from None
    except OSError as error:  # SMTPException and ssl.SSLError are also OSErrors
        why = "it took too long" if isinstance(error, TimeoutError) else type(error).__name__
        raise Undelivered(f"The mail server of EMAIL_URL cannot be reached ({why}).") from None
