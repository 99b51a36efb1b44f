"""Whether a data set is one that a model can be scored on."""

from mlx_gsa.errors import DatasetError


def check_fit(predictor, dataset):
    """Raise unless a data set has the task, the classes and the labels of a model.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
        It may lack some of several labels, and have them in another order.

    Raises
    ------
    DatasetError
        It does not fit.
    """
    if predictor.task != dataset.task:
        raise DatasetError(
            "The data set is for another task than the model",
            where=str(dataset.path),
            expected=predictor.task,
            found=dataset.task,
            mend="Give a data set of the model's task with --data, or train on this one.",
        )
    if predictor.classes and dataset.classes and list(predictor.classes) != list(dataset.classes):
        raise DatasetError(
            "The data set has other classes than the model",
            where=str(dataset.path),
            expected=", ".join(predictor.classes),
            found=", ".join(dataset.classes),
            mend="Prepare the data set with the model's classes in the model's order.",
        )
    known, asked = getattr(predictor, "outputs", None), dataset.outputs
    if bool(known) != bool(asked) or set(asked or ()) - set(known or ()):
        raise DatasetError(
            "The data set has other labels than the model predicts",
            where=str(dataset.path),
            expected=", ".join(known) if known else "one label",
            found=", ".join(asked) if asked else "one label",
            mend="Prepare the data set with label columns of the model's names.",
        )
