"""Messages by e-mail, with Django's own means; EMAIL_URL says through which server."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage

from .message import Text
from .undelivered import Undelivered


def is_set_up() -> bool:
    return bool(settings.EMAIL_HOST and settings.ALARM_EMAILS and settings.EMAIL_FROM)


def reaches(address: str) -> bool:
    """Whether one person can be written to: there is a server, a sender and their address."""
    return bool(address and settings.EMAIL_HOST and settings.EMAIL_FROM)


def send(text: Text) -> None:
    """One message to all addresses, those of ALARM_EMAILS unless its audience is others.

    Raises Undelivered; the server's own words may hold addresses and are left out.
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
        whose = "the address of each account that is to be told" if to else "every address of ALARM_EMAILS"
        raise Undelivered(f"The mail server refuses {whose} ({', '.join(codes)}).") from None
    except smtplib.SMTPNotSupportedError:
        raise Undelivered(
            "The mail server lacks what EMAIL_URL asks for, STARTTLS or signing in; docs/alarms.md has its forms."
        ) from None
    except smtplib.SMTPResponseException as error:
        raise Undelivered(f"The mail server does not take the message ({error.smtp_code}).") from None
    except smtplib.SMTPServerDisconnected:
        raise Undelivered("The mail server of EMAIL_URL took too long, or ended the connection.") from None
    except OSError as error:  # SMTPException and ssl.SSLError are some too
        why = "it took too long" if isinstance(error, TimeoutError) else type(error).__name__
        raise Undelivered(f"The mail server of EMAIL_URL cannot be reached ({why}).") from None
