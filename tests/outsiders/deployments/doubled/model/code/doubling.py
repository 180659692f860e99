"""A model of its own kind: MLflow asks this module for it."""


class Doubling:
    def predict(self, table):
        return table["x"] * 2


def _load_pyfunc(path):
    return Doubling()
