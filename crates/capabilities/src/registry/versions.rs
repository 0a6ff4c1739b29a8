//! Versions of models.

use std::sync::Arc;

use super::events::{Change, model_subject};
use super::guard::Rule;
use super::models::stays;
use super::projection::Registered;
use super::types::{Model, NewVersion, Version};
use super::{Registry, names};
use crate::CapabilityError;

/// A version with its model.
pub type Made = (Arc<Model>, Arc<Version>);

impl Registered {
    /// A version with its model, to be kept.
    pub(super) fn made(&self, name: &str, version: u64) -> Result<Made, CapabilityError> {
        let (model, version) = self.version(name, version)?;
        Ok((model.clone(), version.clone()))
    }
}

impl Registry {
    /// Makes a version: the next number. Whether its source may be used is for those to say who know where files lie.
    pub async fn create_version(&self, actor: &str, name: &str, new: NewVersion) -> Result<Made, CapabilityError> {
        names::model_name(name)?;
        for (key, value) in &new.tags {
            names::tag(key, value)?;
        }
        let subject = model_subject(name);
        let (state, version) = self
            .change(&subject, |state| {
                let version = state.model(name)?.last + 1;
                let new = new.clone();
                let change = Change::VersionCreated {
                    version,
                    source: new.source,
                    storage: new.storage,
                    run_id: new.run_id,
                    run_link: new.run_link,
                    model_id: new.model_id,
                    description: new.description,
                    tags: new.tags,
                    digest: new.digest,
                };
                Ok((vec![change.event(&subject, actor, None)?], version))
            })
            .await?;
        state.made(name, version)
    }

    /// Says what a version is.
    pub async fn change_version(
        &self,
        actor: &str,
        name: &str,
        version: u64,
        description: Option<String>,
    ) -> Result<Made, CapabilityError> {
        self.about(actor, name, version, |_| {
            Some(Change::VersionChanged {
                version,
                description: description.clone(),
            })
        })
        .await
    }

    /// Deletes a version, and aliases that point at it.
    pub async fn delete_version(
        &self,
        actor: &str,
        name: &str,
        version: u64,
        rules: &[Rule],
    ) -> Result<(), CapabilityError> {
        let subject = model_subject(name);
        let change = self
            .change(&subject, |state| {
                let (model, _) = state.version(name, version)?;
                stays(model, rules, Some(version), "deleted")?;
                Ok((
                    vec![Change::VersionDeleted { version }.event(&subject, actor, None)?],
                    (),
                ))
            })
            .await;
        change.map(|_| ())
    }

    /// Tags a version. The tag that it has already changes nothing.
    pub async fn tag_version(
        &self,
        actor: &str,
        name: &str,
        version: u64,
        key: &str,
        value: &str,
    ) -> Result<Made, CapabilityError> {
        names::tag(key, value)?;
        self.about(actor, name, version, |known| {
            let same = known.tags.get(key).is_some_and(|v| v == value);
            (!same).then(|| Change::VersionTagSet {
                version,
                key: key.to_owned(),
                value: value.to_owned(),
            })
        })
        .await
    }

    /// Takes a tag off a version. One that is not there changes nothing.
    pub async fn untag_version(
        &self,
        actor: &str,
        name: &str,
        version: u64,
        key: &str,
    ) -> Result<Made, CapabilityError> {
        names::tag_key(key)?;
        self.about(actor, name, version, |known| {
            known.tags.contains_key(key).then(|| Change::VersionTagRemoved {
                version,
                key: key.to_owned(),
            })
        })
        .await
    }

    async fn about(
        &self,
        actor: &str,
        name: &str,
        version: u64,
        change: impl Fn(&Version) -> Option<Change>,
    ) -> Result<Made, CapabilityError> {
        let subject = model_subject(name);
        let (state, ()) = self
            .change(&subject, |state| {
                let (_, known) = state.version(name, version)?;
                let events = change(known).map(|change| change.event(&subject, actor, None));
                Ok((events.into_iter().collect::<Result<_, _>>()?, ()))
            })
            .await?;
        state.made(name, version)
    }
}
