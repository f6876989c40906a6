"""Messages to a real mail server, and each way in which it may not take one."""

import socket
import ssl

import pytest

from exports.notify import mail
from exports.notify.message import Text
from exports.notify.undelivered import Undelivered
from tests.certificates import write_certificate

from .servers import PASSWORD, USER

# aiosmtpd's own, at a server that takes a password in clear.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
TEXT = Text("Rows fell: Größe", "Body\n")


@pytest.fixture
def certificate(tmp_path):
    """(context of a server on 127.0.0.1, path of the certificate to trust)"""
    path = tmp_path / "server.pem"
    write_certificate(path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, path


def test_one_mail_to_all_addresses(mail_server):
    server = mail_server()
    mail.send(TEXT)
    [(sender, recipients, message)] = server.got
    assert sender == "desk@lab.example"
    assert recipients == ["me@lab.example", "you@lab.example"]
    assert message["Subject"] == "Rows fell: Größe"
    assert message.get_content().replace("\r\n", "\n") == "Body\n"


def test_signing_in(mail_server, settings):
    server = mail_server(sign_in=True)
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, PASSWORD
    mail.send(TEXT)
    assert len(server.got) == 1


def test_a_wrong_password(mail_server, settings):
    server = mail_server(sign_in=True)
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, "topsecret-wrong"
    with pytest.raises(Undelivered, match=r"refuses the user and password of EMAIL_URL \(535\)") as caught:
        mail.send(TEXT)
    assert "topsecret" not in caught.value.sentence
    assert server.got == []


@pytest.mark.parametrize("way", ["tls", "starttls"])
def test_the_connection_is_encrypted_and_the_server_is_who_it_says(
    mail_server, settings, monkeypatch, certificate, way
):
    context, path = certificate
    server = mail_server(sign_in=True, **{way: context})
    settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS = way == "tls", way == "starttls"
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, PASSWORD
    with pytest.raises(Undelivered, match="SSLCertVerificationError"):
        mail.send(TEXT)
    assert server.got == []
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    mail.send(TEXT)
    assert len(server.got) == 1


def test_a_server_without_starttls_gets_no_password(mail_server, settings):
    server = mail_server(sign_in=True)
    settings.EMAIL_USE_TLS = True
    with pytest.raises(Undelivered, match="does not support what EMAIL_URL requires"):
        mail.send(TEXT)
    assert server.got == []


@pytest.mark.parametrize(("verb", "answer", "words"), [
    ("MAIL", "550 me@lab.example is nobody", r"refuses EMAIL_FROM as a sender \(550\)"),
    ("RCPT", "550 me@lab.example is nobody", r"refuses every address of ALARM_EMAILS \(550\)"),
    ("DATA", "451 me@lab.example is full", r"does not accept the message \(451\)"),
])  # fmt: skip
def test_a_refusal_is_one_sentence_without_addresses(mail_server, verb, answer, words):
    mail_server().answers[verb] = answer
    with pytest.raises(Undelivered, match=words) as caught:
        mail.send(TEXT)
    assert "@" not in caught.value.sentence


def test_nobody_there(mail_server):
    mail_server().stop()
    with pytest.raises(Undelivered, match=r"cannot be reached \(ConnectionRefusedError\)"):
        mail.send(TEXT)


def test_a_server_that_hangs_is_left(mail_server, settings):
    mail_server()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = silent.getsockname()[1], 0.1
        with pytest.raises(Undelivered, match="took too long"):
            mail.send(TEXT)
