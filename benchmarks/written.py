"""PsyNet's example of `get_basic_data`, over the database that benchmarks.sheets serves (BASIC_DATA_MODULES)."""

from psynetdata.sheets import DataError, Experiment, Participant, Trial


class Exp(Experiment):
    label = "Static experiment demo"

    @classmethod
    def get_basic_data(cls, context=None, **kwargs):
        data = {
            "trial": [
                {"id": trial.id, "answer": str(trial.answer)}
                for trial in Trial.query.filter_by(failed=False, finalized=True).all()
            ],
            "participant": [
                {"id": participant.id, "answer": str(participant.answer)}
                for participant in Participant.query.filter_by().all()
            ],
        }
        sheet = kwargs.get("sheet", "participant")
        if sheet not in data:
            raise DataError("Invalid sheet parameter")
        return data[sheet]
