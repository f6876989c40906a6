"""Code that loads a sheet into R, Python or a file: with the reader's own token, or with a signed link."""

from urllib.parse import urlencode


def with_token(site: str, sheet: str, deployment_id: str) -> list[tuple[str, str]]:
    """Return [(language, lines to copy)] for the sheet's URL; the token comes from the reader's environment."""
    url = f"{site}?{urlencode({'deployment': deployment_id, 'format': 'csv'})}"
    return [
        (
            "R",
            f"library(httr2)\n{_name(sheet)} <- request({_quoted(url)}) |>\n"
            '  req_headers(Authorization = paste("Token", Sys.getenv("PSYNETDATA_TOKEN"))) |>\n'
            "  req_perform() |> resp_body_string() |> textConnection() |> read.csv()",
        ),
        (
            "Python",
            f"import os\nimport pandas as pd\n\n{_name(sheet)} = pd.read_csv(\n    {_quoted(url)},\n"
            '    storage_options={"Authorization": f"Token {os.environ[\'PSYNETDATA_TOKEN\']}"},\n)',
        ),
        ("curl", f'curl -H "Authorization: Token $PSYNETDATA_TOKEN" -o {_name(sheet)}.csv \\\n  {_shell(url)}'),
    ]


def with_link(url: str, sheet: str) -> list[tuple[str, str]]:
    address = f"{url}?format=csv"
    return [
        ("R", f"{_name(sheet)} <- read.csv({_quoted(address)})"),
        ("Python", f"import pandas as pd\n\n{_name(sheet)} = pd.read_csv({_quoted(address)})"),
        ("curl", f"curl -o {_name(sheet)}.csv {_shell(address)}"),
    ]


def _name(sheet: str) -> str:
    """Return a valid variable name for R and Python."""
    plain = "".join(character if character.isascii() and character.isalnum() else "_" for character in sheet)
    return f"sheet_{plain}" if not plain[:1].isalpha() else plain


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
