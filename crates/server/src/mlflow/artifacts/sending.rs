//! A file as an answer: whole, or the range that is asked for, as it is read.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use steward_artifacts::{ArtifactError, ArtifactStore, Name, Span};

use super::super::MlflowError;
use super::media;

/// Sends a file as an attachment.
pub async fn send(store: &ArtifactStore, name: &Name, headers: &HeaderMap) -> Result<Response, MlflowError> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let span = match text(header::IF_RANGE) {
        // A range of something that may have changed since is no range of it.
        Some(_) => Span::All,
        None => text(header::RANGE).and_then(span).unwrap_or_default(),
    };
    let content = match store.get(name, &span).await {
        Ok(content) => content,
        Err(ArtifactError::Range { size, .. }) => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
        }
        Err(e) => {
            let folder = matches!(e, ArtifactError::Missing { .. }) && !store.list(name).await?.is_empty();
            return Err(match folder {
                true => MlflowError::invalid(format!("Artifact path refers to a directory, not a file: '{name}'")),
                false => e.into(),
            });
        }
    };
    let tag = format!("\"{}\"", content.version.trim_matches('"'));
    let known = text(header::IF_NONE_MATCH).is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Body::from_stream(content.chunks).into_response(),
    };
    let put = |headers: &mut HeaderMap, name: header::HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    let range = content.range;
    if !known && span != Span::All {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let last = range.end.saturating_sub(1);
        let shown = format!("bytes {}-{last}/{}", range.start, content.size);
        put(response.headers_mut(), header::CONTENT_RANGE, &shown);
    }
    let headers = response.headers_mut();
    if !known {
        put(headers, header::CONTENT_LENGTH, &(range.end - range.start).to_string());
    }
    put(headers, header::CONTENT_TYPE, media::of(name.last()));
    put(headers, header::CONTENT_DISPOSITION, &media::disposition(name.last()));
    put(headers, header::ACCEPT_RANGES, "bytes");
    put(headers, header::CACHE_CONTROL, "no-cache");
    put(headers, header::ETAG, &tag);
    Ok(response)
}

/// `bytes=0-99`, `bytes=100-`, `bytes=-5`. Several ranges at once, or what is no range, is the whole (RFC 9110).
fn span(text: &str) -> Option<Span> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", last) => Some(Span::Last(last.parse().ok()?)),
        (first, "") => Some(Span::From(first.parse().ok()?)),
        (first, last) => {
            let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then(|| Span::Between(first..last.saturating_add(1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use steward_artifacts::Span;

    use super::span;

    #[test]
    fn ranges_are_read_as_http_writes_them() {
        assert_eq!(span("bytes=0-4"), Some(Span::Between(0..5)));
        assert_eq!(span("bytes=7-"), Some(Span::From(7)));
        assert_eq!(span("bytes=-3"), Some(Span::Last(3)));
        for other in [
            "bytes=5-4",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
        ] {
            assert_eq!(span(other), None, "{other}");
        }
    }
}
