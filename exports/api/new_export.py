"""What a request for an export can say."""

from rest_framework import serializers

from exports.package.deployment_choice import SOURCES
from exports.package.option_spec import Kind, Option
from exports.package.options import OPTIONS


class NewExportSerializer(serializers.Serializer):
    """Only for the schema: ExportOptions decides what is allowed."""

    deployment = serializers.CharField(required=False, help_text="May be left out if there is only one.")
    app = serializers.CharField(required=False, help_text="Instead of it: the app, or database, of its source.")
    source = serializers.ChoiceField(list(SOURCES), required=False, help_text="Only such deployments.")
    server = serializers.CharField(required=False, help_text="Only deployments on that host.")
    snapshot = serializers.IntegerField(required=False, help_text="By default the newest good one.")

    def get_fields(self) -> dict[str, serializers.Field]:
        return {**super().get_fields(), **{option.name: field_of(option) for option in OPTIONS}}


def field_of(option: Option) -> serializers.Field:
    if option.kind is Kind.SWITCH:
        return serializers.BooleanField(default=option.default, help_text=option.help)
    if option.kind is Kind.CHOICE:
        choices = [(value, option.choices.get(value, "")) for value in option.values]
        return serializers.ChoiceField(choices, default=option.default, help_text=option.help)
    optional = {"required": False, "allow_null": True, "help_text": option.help}
    if option.kind is Kind.WHOLE_NUMBER:
        return serializers.IntegerField(min_value=1, max_value=option.most, **optional)
    return serializers.ListField(child=serializers.IntegerField(min_value=1), **optional)
