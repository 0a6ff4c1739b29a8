"""What the scripts here check with: a line for each check, and how many failed."""
import mlflow
from mlflow.exceptions import MlflowException

failed = 0


def check(name, holds):
    global failed
    print(f"{'ok' if holds else 'FAILED'}: MLflow {mlflow.__version__}: {name}")
    failed += not holds


def refused(call, code, words):
    try:
        call()
    except MlflowException as e:
        return e.error_code == code and words in str(e)
    return False
