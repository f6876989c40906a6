"""psynetdata's Participant pages, with players for the files of their assets."""

from django.contrib import admin

from psynetdata.admin.participant import ParticipantAdmin as DataParticipantAdmin
from psynetdata.models import Participant

from .asset import files_of
from .asset_file import shown_among

admin.site.unregister(Participant)


@admin.register(Participant)
class ParticipantAdmin(DataParticipantAdmin):
    def files_of(self, request, obj, assets):
        by_id = {asset.id: asset for asset in assets}
        return {
            number: files_of(by_id[number], shown, rows, texts=False)
            for number, (shown, rows) in shown_among(request, assets).items()
        }
