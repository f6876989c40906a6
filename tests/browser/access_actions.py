"""Who may what: tokens, links, accounts, groups, faces, the record of it all."""

from .action_table import action
from .site_contents import PASSWORD
from .visit import Visit


@action("Several tokens, several links: revoke",
        "POST psynetdata_apitoken_changelist action=revoke_selected",
        "POST psynetdata_sheetlink_changelist action=revoke_selected")  # fmt: skip
def revoke_several(visit):
    for model, keys in (("apitoken", visit.site.n["tokens"][:2]), ("sheetlink", visit.site.n["links"][:1])):
        visit.open(f"/admin/psynetdata/{model}/")
        visit.act_on_selected("revoke_selected", *keys)
        visit.confirm("Revoke them")
        visit.told(f"{len(keys)} of {len(keys)} are revoked.")
        for key in keys:
            assert visit.site.value(f"SELECT revoked FROM psynetdata_{model} WHERE id = ?", key) == 1


@action("A token: made, shown once, revoked", "POST psynetdata_apitoken_add", "POST psynetdata_apitoken_revoke")
def token(visit):
    page = visit.page
    visit.open("/admin/psynetdata/apitoken/add/")
    visit.fill("input[name=name]", "browser")
    visit.press("button[name=_save]")
    made = page.inner_text("#new-token")
    assert len(made) == 43
    assert visit.site.value("SELECT count(*) FROM psynetdata_apitoken WHERE name = 'browser'") == 1
    visit.looks_right()
    headers = {"Authorization": f"Token {made}"}
    asked = page.context.browser.new_context(extra_http_headers=headers)
    assert asked.request.get(f"{visit.site.address}/api/deployments/").status == 200
    visit.press("text=To the list of tokens")
    page.wait_for_url("**/apitoken/")
    assert made not in page.content()
    visit.press("#result_list th a:text-is('browser')")
    visit.looks_right()
    visit.press("text=Revoke this token")
    visit.told("The token is revoked.")
    assert asked.request.get(f"{visit.site.address}/api/deployments/").status == 401
    asked.close()


@action("A link to a sheet: revoke", "POST psynetdata_sheetlink_revoke")
def revoke_link(visit):
    link = visit.site.n["links"][1]
    visit.open(f"/admin/psynetdata/sheetlink/{link}/change/")
    visit.press("text=Revoke this link")
    visit.told("The link is revoked.")
    assert visit.site.value("SELECT revoked FROM psynetdata_sheetlink WHERE id = ?", link) == 1


@action("The face", "POST switch-face")
def face(visit):
    page = visit.page
    visit.open(f"/admin/psynetdata/participant/?deployment={visit.site.n['sample']}")
    real = page.locator("td.field-worker").first.inner_text()
    visit.press("text=Show the anonymous face")
    page.wait_for_selector("text=Show the identified face")
    assert page.locator("td.field-worker").first.inner_text() != real
    visit.looks_right()
    visit.press("text=Show the identified face")
    page.wait_for_selector("text=Show the anonymous face")
    assert page.locator("td.field-worker").first.inner_text() == real


@action("The audit log, filtered", "GET psynetdata_audit_changelist")
def audit(visit):
    visit.open("/admin/psynetdata/audit/")
    visit.press("text=Filters")
    visit.press("#changelist-filter a:text-is('load')")
    visit.page.wait_for_url("**/audit/?verb=load")
    verbs = visit.page.locator("td.field-verb").all_inner_texts()
    assert set(verbs) == {"load"}
    assert len(verbs) == visit.site.audited("load")


@action("An account: made, in a group, given a password, deleted",
        "POST auth_user_add", "POST auth_user_change", "POST auth_user_password_change",
        "POST auth_user_delete")  # fmt: skip
def account(visit):
    page, stands = visit.page, "SELECT id, is_staff, password FROM auth_user WHERE username = 'visitor'"
    visit.open("/admin/auth/user/add/")
    visit.fill("input[name=username]", "visitor")
    page.fill("input[name=password1]", "a visitor's desk")
    page.fill("input[name=password2]", "a visitor's desk")
    visit.press("button[name=_save]")
    visit.told("was added successfully")
    ((number, _, first),) = visit.site.rows(stands)
    visit.tick("input[name=is_staff]")
    visit.press("button[name=_save]")
    visit.told("was changed successfully")
    assert visit.site.rows(stands) == [(number, 1, first)]
    visit.open(f"/admin/auth/user/{number}/password/")
    visit.looks_right()
    page.fill("input[name=password1]", "another visitor's desk")
    page.fill("input[name=password2]", "another visitor's desk")
    visit.press("[type=submit]:visible:not(#logout-form *)")
    visit.told("Password changed successfully")
    assert visit.site.rows(stands)[0][2] != first
    visit.open(f"/admin/auth/user/{number}/delete/")
    visit.confirm("Yes, I’m sure")
    visit.told("was deleted successfully")
    assert not visit.site.rows(stands)


@action("A group: made, changed, deleted; several of them and of accounts",
        "POST auth_group_add", "POST auth_group_change", "POST auth_group_delete",
        "POST auth_group_changelist action=delete_selected",
        "POST auth_user_changelist action=delete_selected")  # fmt: skip
def group(visit):
    page, stands = visit.page, "SELECT id FROM auth_group WHERE name LIKE 'Lab %'"
    for name in ("Lab one", "Lab two"):
        visit.open("/admin/auth/group/add/")
        visit.fill("input[name=name]", name)
        visit.press("button[name=_save]")
        visit.told("was added successfully")
    one, two = (number for (number,) in visit.site.rows(stands))
    visit.open(f"/admin/auth/group/{one}/change/")
    visit.fill("input[name=name]", "Lab first")
    visit.press("button[name=_save]")
    visit.told("was changed successfully")
    visit.press("#result_list th a:text-is('Lab first')")
    visit.press("a:has-text('Delete group')")
    visit.confirm("Yes, I’m sure")
    visit.told("was deleted successfully")
    visit.act_on_selected("delete_selected", two)
    visit.confirm("Yes, I’m sure")
    visit.told("Successfully deleted 1")
    assert not visit.site.rows(stands)
    visit.open("/admin/auth/user/add/")
    page.fill("input[name=username]", "passing")
    page.fill("input[name=password1]", "a visitor's desk")
    page.fill("input[name=password2]", "a visitor's desk")
    visit.press("button[name=_save]")
    visit.told("was added successfully")
    number = visit.site.value("SELECT id FROM auth_user WHERE username = 'passing'")
    visit.open("/admin/auth/user/")
    visit.act_on_selected("delete_selected", number)
    visit.confirm("Yes, I’m sure")
    visit.told("Successfully deleted 1")
    assert not visit.site.rows("SELECT 1 FROM auth_user WHERE username = 'passing'")


@action("The account's menu: the theme, a new password, and out",
        "POST password_change", "POST logout", "POST login")  # fmt: skip
def sign_out(visit):
    page, out, passwords = visit.page, f"{visit.site.address}/admin/login/", (PASSWORD, "another desk to look at")
    visit.apart = True
    page.context.clear_cookies()
    page.goto(f"{visit.site.address}/admin/")
    sign_in(visit, "viewer", PASSWORD)
    open_account(visit)
    visit.press("a:has-text('Dark'):visible")
    page.wait_for_selector("html.dark")
    visit.press("a:has-text('Light'):visible")
    page.wait_for_selector("html:not(.dark)")
    visit.press("a:text-is('Change password')")
    for name, text in zip(("old_password", "new_password1", "new_password2"), (*passwords, passwords[1]), strict=True):
        visit.fill(f"input[name={name}]", text)
    visit.press("[type=submit]:visible:not(#logout-form *)")
    page.wait_for_url("**/password_change/done/")
    open_account(visit)
    visit.press("#logout-form button")
    page.wait_for_selector("text=Logged out")
    visit.looks_right()
    page.goto(out)
    sign_in(visit, "viewer", passwords[1])


def open_account(visit: Visit) -> None:
    if visit.on_phone:
        visit.press(visit.page.get_by_label("Menu").locator("visible=true"))
    visit.press("[role=button]:has-text('viewer'):visible")


def sign_in(visit: Visit, name: str, password: str) -> None:
    visit.fill("input[name=username]", name)
    visit.fill("input[name=password]", password)
    visit.press("button[type=submit]")
    visit.page.wait_for_url(f"{visit.site.address}/admin/")
