"""The recovery sheet as a page to print, and the card that reminds of it until somebody confirms."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html

from exports.backup.recovery_sheet import confirm, is_confirmed, recovery_sheet
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card


def recovery_page(request: HttpRequest) -> HttpResponse:
    """Show the sheet to an administrator; a POST confirms that it is on paper."""
    if not request.user.is_superuser:
        raise PermissionDenied
    if request.method == "POST":
        confirm(request.user)
        messages.success(request, "Confirmed: the recovery sheet is on paper.")
        return HttpResponseRedirect(reverse("admin:index"))
    context = {**admin.site.each_context(request), "title": "Recovery sheet", "sheet": recovery_sheet().to_text()}
    return render(request, "admin/exports/recovery.html", context | {"confirmed": is_confirmed()})


def reminder(user) -> list[Card]:
    """Return a card for administrators while nobody has confirmed that the sheet is on paper."""
    if not user.is_superuser or is_confirmed():
        return []
    link = html.link(reverse("recovery"), "Print the recovery sheet")
    note = "If this machine is lost, the sheet says where the keys and backups are and how to restore the desk. "
    return [Card("Recovery sheet", note=format_html("{}{}, and confirm that it is on paper.", note, link))]
