import pytest

from tests.notify import servers


@pytest.fixture(autouse=True)
def no_channel(settings, monkeypatch):
    """Each test sets up its own; and no proxy of this machine stands between it and its servers."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_CHANNEL", "EMAIL_HOST", "EMAIL_FROM"):
        setattr(settings, name, "")
    settings.ALARM_EMAILS = []
    settings.SITE_NAME, settings.SITE_URL = "The data desk", "https://data.example.org"
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def slack(settings):
    """A server that speaks Slack's chat.postMessage, set up as the channel."""
    with servers.slack() as server:
        settings.SLACK_BOT_TOKEN, settings.SLACK_CHANNEL = servers.TOKEN, "C0123456789"
        settings.SLACK_BASE_URL = server.url
        yield server


@pytest.fixture
def mail_server(settings):
    """mail_server(**options) → a running SMTP server that keeps what it is sent, set up as the channel."""
    started = []

    def start(**options):
        server = servers.MailServer(**options)
        started.append(server)
        server.start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.ALARM_EMAILS, settings.EMAIL_FROM = ["me@lab.example", "you@lab.example"], "desk@lab.example"
        return server

    yield start
    for server in started:
        server.stop()
