//! Whether a version may have its source: what it names must belong to the run or logged model that it says it comes
//! from, and lead nowhere else. The rules and messages are those of MLflow's server.

use steward_capabilities::registry::Registered;

use super::super::MlflowError;
use super::super::asked::decoded;
use super::roots::{self, Root};
use crate::State;

/// Sources that prompts have: they keep their text in a tag.
const PROMPT_SOURCES: [&str; 2] = ["dummy-source", "prompt-template"];

/// A source that may be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// As it is kept.
    pub source: String,
    /// Where the files lie.
    pub storage: String,
    /// The run.
    pub run_id: Option<String>,
    /// The logged model.
    pub model_id: Option<String>,
}

/// What a version is to be made of.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its source.
    pub source: &'a str,
    /// The run that it names.
    pub run_id: Option<&'a str>,
    /// The logged model that it names.
    pub model_id: Option<&'a str>,
    /// Whether it is of a prompt.
    pub prompt: bool,
}

/// Checks a source.
pub async fn check(state: &State, registered: &Registered, wanted: Wanted<'_>) -> Result<Source, MlflowError> {
    let source = wanted.source;
    if wanted.prompt {
        if !PROMPT_SOURCES.contains(&source) {
            return Err(MlflowError::invalid(format!(
                "Invalid prompt source: '{source}'. Prompt sources must use an MLflow placeholder."
            )));
        }
        return Ok(Source {
            source: source.to_owned(),
            storage: source.to_owned(),
            run_id: wanted.run_id.map(str::to_owned),
            model_id: None,
        });
    }
    let mut found = lineage(registered, wanted)?;
    let run = match given(found.run_id.as_deref()) {
        Some(id) => roots::of_run(state, id).await?,
        None => None,
    };
    let model = match given(found.model_id.as_deref()) {
        Some(id) => roots::of_model(state, id).await?,
        None => None,
    };
    judge(&found, run.as_ref(), model.as_ref())?;
    // A logged model knows its run and where its files lie.
    if let Some(id) = models_uri(&found.source).and_then(|uri| match uri {
        Uri::Logged(id) => Some(id.to_owned()),
        Uri::Version { .. } => None,
    }) {
        let Some(model) = roots::of_model(state, &id).await? else {
            return Err(MlflowError::missing(format!(
                "Unable to fetch model from model URI source artifact location '{source}'.Error: Logged model with ID \
                 '{id}' not found."
            )));
        };
        found.storage = model.uri;
        found.run_id = given(found.run_id.as_deref()).map(str::to_owned).or(model.run_id);
    } else if given(found.run_id.as_deref()).is_none()
        && let Some(model) = model
    {
        found.run_id = model.run_id;
    }
    Ok(found)
}

fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|t| !t.is_empty())
}

/// A source that names another version is that version's, with its run and its logged model.
fn lineage(registered: &Registered, wanted: Wanted<'_>) -> Result<Source, MlflowError> {
    let source = wanted.source;
    let mut found = Source {
        source: source.to_owned(),
        storage: source.to_owned(),
        run_id: wanted.run_id.map(str::to_owned),
        model_id: wanted.model_id.map(str::to_owned),
    };
    if scheme(source) != "models" {
        return Ok(found);
    }
    if !host(source).is_empty() {
        return Err(MlflowError::invalid(format!(
            "Invalid model version source: '{source}'. Registered model sources must use the active model registry."
        )));
    }
    let Some(uri) = models_uri(source) else {
        return Err(foreign(source, "model_id"));
    };
    let Uri::Version { name, which } = uri else {
        return Ok(found);
    };
    let model = registered.model(name)?;
    if model.is_prompt() {
        return Err(MlflowError::invalid(format!(
            "Invalid model version source: '{source}'. Prompt versions cannot be used as model version sources."
        )));
    }
    let (_, version) = match which {
        Which::Number(number) => registered.version(name, number)?,
        Which::Alias(alias) => registered.by_alias(name, alias)?,
        Which::Stage(stage) => {
            let wanted = steward_capabilities::registry::stage(stage)?;
            let latest = model.latest().into_iter().find(|v| v.stage == wanted);
            match latest {
                Some(version) => registered.version(name, version.version)?,
                None => {
                    return Err(MlflowError::invalid(format!(
                        "No versions of model with name '{name}' and stage '{stage}' found"
                    )));
                }
            }
        }
    };
    let other =
        |said: Option<&str>, is: Option<&String>| said.is_some_and(|said| said != is.map_or("", String::as_str));
    if other(wanted.run_id, version.run_id.as_ref()) || other(wanted.model_id, version.model_id.as_ref()) {
        return Err(MlflowError::invalid(format!(
            "Invalid model version source: '{source}'. The run_id and model_id request parameters must match the \
             referenced model version."
        )));
    }
    found.source = format!("models:/{name}/{}", version.version);
    found.storage.clone_from(&version.storage);
    found.run_id = found.run_id.or_else(|| version.run_id.clone());
    found.model_id = found.model_id.or_else(|| version.model_id.clone());
    Ok(found)
}

/// Whether a source belongs to the logged model, or else the run, that it is said to come from.
fn judge(found: &Source, run: Option<&Root>, model: Option<&Root>) -> Result<(), MlflowError> {
    let source = found.source.as_str();
    let by_model = given(found.model_id.as_deref());
    let by_run = given(found.run_id.as_deref());
    let (owner, root, parameter) = match by_model {
        Some(id) => (Some(id), model, "model_id"),
        None => (by_run, run, "run_id"),
    };
    if is_local(source)? {
        let path = |uri: &str| {
            uri.strip_prefix("file://")
                .or_else(|| uri.strip_prefix("file:"))
                .unwrap_or(uri)
                .to_owned()
        };
        let plain = !decoded_fully(source).split('/').any(|part| part == "..");
        let inside =
            |root: &Root| is_local(&root.uri).unwrap_or(false) && within_parts(&path(source), &path(&root.uri));
        if owner.is_some() && root.is_none() {
            return Err(foreign(source, parameter));
        }
        if plain && owner.is_some() && root.is_some_and(inside) {
            return Ok(());
        }
        return Err(MlflowError::invalid(format!(
            "Invalid model version source: '{source}'. To use a local path as a model version source, the {parameter} \
             request parameter has to be specified and the local path has to be contained within the artifact \
             directory of the run specified by the {parameter}."
        )));
    }
    plain(source)?;
    match scheme(source) {
        "models" => match models_uri(source) {
            Some(Uri::Logged(id)) if by_model == Some(id) => return Ok(()),
            Some(Uri::Logged(_)) => return Err(foreign(source, "model_id")),
            _ => {}
        },
        "runs" => {
            if by_model.is_some() {
                return Err(foreign(source, "model_id"));
            }
            let id = source
                .strip_prefix("runs:/")
                .map(|rest| rest.split('/').next().unwrap_or_default());
            return match id {
                Some(id) if !id.is_empty() && by_run == Some(id) => Ok(()),
                _ => Err(foreign(source, "run_id")),
            };
        }
        _ => {}
    }
    if is_served(source) {
        return match root.filter(|root| within(source, &root.uri)) {
            Some(_) => Ok(()),
            None => Err(foreign(source, parameter)),
        };
    }
    Ok(())
}

fn foreign(source: &str, parameter: &str) -> MlflowError {
    MlflowError::invalid(format!(
        "Invalid model version source: '{source}'. The {parameter} request parameter must identify the resource that \
         contains the source."
    ))
}

/// `models:/…`.
#[derive(Debug, PartialEq, Eq)]
enum Uri<'a> {
    /// A logged model.
    Logged(&'a str),
    /// A version of a registered one.
    Version { name: &'a str, which: Which<'a> },
}

#[derive(Debug, PartialEq, Eq)]
enum Which<'a> {
    Number(u64),
    Alias(&'a str),
    Stage(&'a str),
}

fn models_uri(source: &str) -> Option<Uri<'_>> {
    let path = source.strip_prefix("models:/")?.trim_start_matches('/');
    let version = |name, which| Some(Uri::Version { name, which });
    match path.split_once('/') {
        Some((name, which)) if !name.trim().is_empty() && !which.trim().is_empty() && !which.contains('/') => {
            match which.parse() {
                Ok(number) => version(name, Which::Number(number)),
                Err(_) if which.eq_ignore_ascii_case("latest") => version(name, Which::Alias("latest")),
                Err(_) => version(name, Which::Stage(which)),
            }
        }
        Some(_) => None,
        None => match path.rsplit_once('@') {
            Some((name, alias)) if !alias.trim().is_empty() => version(name, Which::Alias(alias)),
            Some(_) => None,
            None => (!path.trim().is_empty()).then_some(Uri::Logged(path)),
        },
    }
}

fn scheme(uri: &str) -> &str {
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    match uri.split_once(':') {
        Some((scheme, _)) if !scheme.is_empty() && scheme.chars().all(named) => scheme,
        _ => "",
    }
}

/// The host of an address that has one.
fn host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Whether a source lies on the server's own disk.
fn is_local(uri: &str) -> Result<bool, MlflowError> {
    match scheme(uri).to_ascii_lowercase().as_str() {
        "" => Ok(uri != "databricks"),
        "file" => {
            let host = host(uri);
            let near = host.is_empty() || host == "." || host.starts_with("localhost") || host.starts_with("127.0.0.1");
            match near {
                true => Ok(true),
                false => Err(MlflowError::invalid(format!(
                    "{uri} is not a valid remote uri. For remote access on windows, please consider using a different \
                     scheme such as SMB (e.g. smb://<hostname>/<path>)."
                ))),
            }
        }
        _ => Ok(false),
    }
}

/// An address without relative parts, however they are encoded.
fn plain(source: &str) -> Result<(), MlflowError> {
    let text = decoded_fully(source);
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => text.split_once(':').map_or(text.as_str(), |(_, rest)| rest),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let relative = text.contains('\0') || text.split('/').any(|part| part == "..") || path.split('/').any(|p| p == ".");
    let rooted = path.is_empty() || path.starts_with('/');
    match relative || !rooted || path.contains('\\') {
        false => Ok(()),
        true => Err(MlflowError::invalid(format!(
            "Invalid model version source: '{source}'. If supplying a source as an http, https, local file path, ftp, \
             objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references \
             present. Please provide an absolute path."
        ))),
    }
}

fn decoded_fully(text: &str) -> String {
    let mut now = text.to_owned();
    loop {
        let next = decoded(&now);
        if next == now {
            return now;
        }
        now = next;
    }
}

/// Whether an address is served through the proxy of artifacts.
fn is_served(source: &str) -> bool {
    match scheme(source).to_ascii_lowercase().as_str() {
        "mlflow-artifacts" => true,
        "http" | "https" => decoded_fully(source).contains("/api/2.0/mlflow-artifacts/artifacts"),
        _ => false,
    }
}

/// Whether an address lies below another, of the same scheme and host.
fn within(source: &str, root: &str) -> bool {
    let same = scheme(source).eq_ignore_ascii_case(scheme(root)) && host(source).eq_ignore_ascii_case(host(root));
    let path = |uri: &str| match uri.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or(String::new(), |at| rest[at..].to_owned()),
        None => uri.split_once(':').map_or(uri.to_owned(), |(_, rest)| rest.to_owned()),
    };
    same && within_parts(&decoded_fully(&path(source)), &decoded_fully(&path(root)))
}

fn within_parts(path: &str, root: &str) -> bool {
    let parts = |text: &str| {
        text.split('/')
            .filter(|p| !p.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (path, root) = (parts(path), parts(root));
    !root.is_empty() && path.starts_with(&root)
}

#[cfg(test)]
mod tests {
    use super::{Root, Source, Uri, Which, judge, models_uri};

    fn source(source: &str, run_id: Option<&str>, model_id: Option<&str>) -> Source {
        Source {
            source: source.into(),
            storage: source.into(),
            run_id: run_id.map(str::to_owned),
            model_id: model_id.map(str::to_owned),
        }
    }

    #[test]
    fn a_source_belongs_to_the_run_that_it_names() {
        let run = Root {
            uri: "mlflow-artifacts:/1/r/artifacts".into(),
            run_id: None,
        };
        let judged = |text: &str, id: Option<&str>| judge(&source(text, id, None), id.map(|_| &run), None);
        for good in [
            "runs:/r/model",
            "mlflow-artifacts:/1/r/artifacts/model",
            "mlflow-artifacts:/1/r/artifacts",
            "s3://bucket/model",
            "https://example.com/model",
        ] {
            judged(good, Some("r")).unwrap();
        }
        for bad in [
            "runs:/other/model",
            "runs://host/r/model",
            "mlflow-artifacts:/1/other/artifacts/model",
            "mlflow-artifacts:/1/r/artifacts/../../other",
            "mlflow-artifacts:/1/r/artifacts/%2e%2e/x",
            "mlflow-artifacts://host/1/r/artifacts/model",
            "s3://bucket/a/../b",
            "s3://bucket/a/%252e%252e/b",
            "http://host/api/2.0/mlflow-artifacts/artifacts/1/r/artifacts",
            "/etc/passwd",
            "file:///etc/passwd",
            "model",
            "file://elsewhere/x",
            "https://h/x%00",
        ] {
            assert!(judged(bad, Some("r")).is_err(), "{bad}");
        }
        for bad in ["runs:/r/model", "mlflow-artifacts:/1/r/artifacts/model", "/a"] {
            assert!(judged(bad, None).is_err(), "{bad} without a run");
        }
        judged("s3://bucket/model", None).unwrap();
    }

    #[test]
    fn addresses_of_models_are_read_as_clients_write_them() {
        let version = |name, which| Some(Uri::Version { name, which });
        assert_eq!(models_uri("models:/churn/3"), version("churn", Which::Number(3)));
        assert_eq!(
            models_uri("models:/churn@champion"),
            version("churn", Which::Alias("champion"))
        );
        assert_eq!(
            models_uri("models:/churn/latest"),
            version("churn", Which::Alias("latest"))
        );
        assert_eq!(
            models_uri("models:/churn/Production"),
            version("churn", Which::Stage("Production"))
        );
        assert_eq!(models_uri("models:/m-1"), Some(Uri::Logged("m-1")));
        for bad in ["models:/", "models:/a/b/c", "models:/a/", "models:/a@", "runs:/a"] {
            assert_eq!(models_uri(bad), None, "{bad}");
        }
    }
}
