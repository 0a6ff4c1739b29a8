//! Who owns a contract: `team`, as a list of people (3.0) or a team with members (from 3.1).

use super::{Contract, Edition};
use crate::decode::MapReader;
use crate::yaml::{Node, Value};

/// The member whose role is owner, else the team's name.
pub(super) fn owner(contract: &Contract<'_>, map: &mut MapReader<'_>) -> Option<String> {
    let node = map.get("team")?;
    if let Value::Seq(members) = &node.value {
        return member(contract, members);
    }
    let mut team = contract.decoder.map(node, "`team`")?;
    if contract.edition < Edition::V31 {
        let problem = crate::Diagnostic::error(
            "newer-key",
            team.span(),
            "`team` as a map came with v3.1.0 of the standard",
        );
        contract
            .decoder
            .report(problem.hint("write a list of members, or set `apiVersion: v3.1.0`"));
    }
    team.ignore(&[
        "id",
        "description",
        "tags",
        "customProperties",
        "authoritativeDefinitions",
    ]);
    super::shape::texts(&team);
    let name = team.text("name");
    let found = member(contract, team.list("members"));
    team.finish();
    found.or(name)
}

fn member(contract: &Contract<'_>, members: &[Node]) -> Option<String> {
    let mut best: Option<(u8, String)> = None;
    for node in members {
        let Some(mut map) = contract.decoder.map(node, "a member of `team`") else {
            continue;
        };
        map.ignore(&[
            "id",
            "description",
            "dateIn",
            "replacedByUsername",
            "tags",
            "customProperties",
            "authoritativeDefinitions",
        ]);
        super::shape::texts(&map);
        let name = map.text("name");
        let user = if contract.edition == Edition::V30 {
            map.text("username")
        } else {
            Some(map.required_text("username"))
        };
        let role = map.text("role").unwrap_or_default().to_lowercase();
        let left = map.text("dateOut").is_some();
        map.finish();
        // `owner` before `data owner`, the first of equals; someone who left owns nothing.
        let rank = match role.as_str() {
            "owner" => 0,
            other if other.ends_with("owner") => 1,
            _ => continue,
        };
        if let Some(person) = user.filter(|u| !u.is_empty()).or(name)
            && !left
            && best.as_ref().is_none_or(|(r, _)| rank < *r)
        {
            best = Some((rank, person));
        }
    }
    best.map(|(_, person)| person)
}
