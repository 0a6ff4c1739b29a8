"""A working day of the real MLflow client against a served project (see project.sh). Prints a line for each check."""
import math
import os
import time

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType

import checks
from checks import check, refused

address = os.environ["STEWARD_ADDRESS"]
mlflow.set_tracking_uri(address)
client = MlflowClient(address)

# Fluent: a run with everything, a nested sweep.
experiment = mlflow.set_experiment("churn")
with mlflow.start_run(run_name="parent", tags={"team": "growth"}) as parent:
    mlflow.log_params({"depth": 3, "model": "tree"})
    for step in range(50):
        mlflow.log_metric("auc", step / 50, step=step)
    mlflow.log_metrics({"nan": math.nan, "inf": math.inf}, step=1)
    for depth in (2, 4, 8):
        with mlflow.start_run(run_name=f"depth-{depth}", nested=True):
            mlflow.log_param("depth", depth)
            mlflow.log_metric("rmse", 10 / depth)
run = client.get_run(parent.info.run_id)
check("a run has what was logged", run.data.params == {"depth": "3", "model": "tree"} and run.data.metrics["auc"] == 49 / 50)
check("a run is finished", run.info.status == "FINISHED" and run.info.end_time >= run.info.start_time)
check("NaN and infinities come back", math.isnan(run.data.metrics["nan"]) and run.data.metrics["inf"] > 1e308)
history = client.get_metric_history(parent.info.run_id, "auc")
check("a history is whole and in order", [m.step for m in history] == list(range(50)))
children = client.search_runs([experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'", order_by=["metrics.rmse DESC"])
check("nested runs are found in order", [r.info.run_name for r in children] == ["depth-2", "depth-4", "depth-8"])
frame = mlflow.search_runs(experiment_names=["churn"], filter_string="metrics.rmse < 3 AND params.depth != '8'")
check("a search is a frame", list(frame["tags.mlflow.runName"]) == ["depth-4"])
pages, token = [], None
while True:
    page = client.search_runs([experiment.experiment_id], max_results=2, page_token=token)
    pages.append(len(page))
    token = page.token
    if not token:
        break
check("pages are parts of the whole", pages == [2, 2])

# MlflowClient: batches, tags, renaming, deleting.
made = client.create_run(experiment.experiment_id, run_name="by client")
now = int(time.time() * 1000)
client.log_batch(made.info.run_id, [Metric(f"m{i}", i, now, 0) for i in range(1000)], [], [])
client.log_batch(made.info.run_id, [], [Param("a", "1")], [RunTag("t", "x")])
check("a batch of a thousand metrics is kept", len(client.get_run(made.info.run_id).data.metrics) == 1000)
check("a parameter does not change", refused(lambda: client.log_param(made.info.run_id, "a", "2"), "INVALID_PARAMETER_VALUE", "Changing param values is not allowed"))
client.update_run(made.info.run_id, status="KILLED", name="renamed")
check("a run is renamed", client.get_run(made.info.run_id).data.tags["mlflow.runName"] == "renamed")
client.delete_tag(made.info.run_id, "t")
check("a tag is gone", "t" not in client.get_run(made.info.run_id).data.tags)
client.delete_run(made.info.run_id)
check("a deleted run is found among the deleted", [r.info.run_name for r in client.search_runs([experiment.experiment_id], run_view_type=ViewType.DELETED_ONLY)] == ["renamed"])
client.restore_run(made.info.run_id)
other = client.create_experiment("other", tags={"team": "risk"})
client.rename_experiment(other, "another")
check("experiments are searched", [e.name for e in client.search_experiments(filter_string="tags.team = 'risk'")] == ["another"])
check("a name is taken once", refused(lambda: client.create_experiment("another"), "RESOURCE_ALREADY_EXISTS", "already exists"))
client.delete_experiment(other)
check("nothing is logged to a deleted experiment", refused(lambda: client.create_run(other), "INVALID_PARAMETER_VALUE", "active"))
client.restore_experiment(other)
check("a wrong filter says where", refused(lambda: client.search_runs(["0"], "metrix.a > 1"), "INVALID_PARAMETER_VALUE", "did you mean 'metric'?"))
check("a run that is not there is said", refused(lambda: client.get_run("0" * 32), "RESOURCE_DOES_NOT_EXIST", "not found"))

# Datasets and logged models.
import pandas

with mlflow.start_run() as with_data:
    data = mlflow.data.from_pandas(pandas.DataFrame({"x": [1, 2, 3]}), source="orders.csv", name="orders")
    mlflow.log_input(data, context="training")
used = client.get_run(with_data.info.run_id).inputs.dataset_inputs
check("a dataset is an input", used[0].dataset.name == "orders" and used[0].tags[0].value == "training")
found = client.search_runs([experiment.experiment_id], "datasets.name = 'orders' AND datasets.context = 'training'")
check("runs are found by dataset", [r.info.run_id for r in found] == [with_data.info.run_id])
model = mlflow.initialize_logged_model(name="tree", model_type="agent", params={"depth": "3"}, experiment_id=experiment.experiment_id)
mlflow.finalize_logged_model(model.model_id, "READY")
models = mlflow.search_logged_models(experiment_ids=[experiment.experiment_id], filter_string="params.depth = '3'", output_format="list")
check("logged models are found", [m.model_id for m in models] == [model.model_id] and str(models[0].status).endswith("READY"))


# Traces, through the client's OpenTelemetry exporter.
@mlflow.trace
def answer(question):
    with mlflow.start_span("retrieve") as span:
        span.set_attribute("documents", 3)
    return question.upper()


answer("why?")
mlflow.flush_trace_async_logging()
traces = mlflow.search_traces(locations=[experiment.experiment_id], return_type="list", include_spans=False)
check("a trace is kept", len(traces) == 1 and traces[0].info.state == "OK")

# scikit-learn's autologging.
try:
    from sklearn.linear_model import LinearRegression
except ImportError:
    LinearRegression = None
if LinearRegression:
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    with mlflow.start_run() as automatic:
        LinearRegression().fit([[0], [1], [2]], [0, 1, 2])
    logged = client.get_run(automatic.info.run_id).data
    check("autologging logs parameters and metrics", logged.params["fit_intercept"] == "True" and logged.metrics["training_r2_score"] == 1)

raise SystemExit(1 if checks.failed else 0)
