//! Ad-hoc SQL: one SELECT over the project's datasets.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, LimitClause, Query as SqlQuery, SetExpr, Statement, Value, visit_relations};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use steward_compute::Query;
use steward_definitions::Project;

use super::SqlAnswer;
use super::answer::provenance;
use super::sql::nearest;
use crate::{CapabilityError, Context};

/// A checked SELECT.
pub(crate) struct Select {
    /// Rendered again from what was parsed.
    pub sql: String,
    /// Datasets read.
    pub tables: BTreeSet<String>,
}

/// Parses one SELECT that reads datasets and nothing else. `what` names it in errors.
pub(crate) fn parse(project: &Project, text: &str, limit: Option<u64>, what: &str) -> Result<Select, CapabilityError> {
    let invalid = |cause: String| CapabilityError::Invalid(format!("{what}: {cause}"));
    let statements = Parser::parse_sql(&GenericDialect {}, text).map_err(|e| invalid(e.to_string()))?;
    let mut statements = statements.into_iter();
    let (Some(Statement::Query(mut query)), None) = (statements.next(), statements.next()) else {
        return Err(invalid("write one SELECT, and nothing else".into()));
    };
    read_only(&query).map_err(|found| invalid(format!("{found}: only SELECT is allowed")))?;
    let mut ctes = BTreeSet::new();
    collect_ctes(&query, &mut ctes);
    let mut tables = BTreeSet::new();
    let unknown = visit_relations(&query, |relation| {
        let name: Vec<String> = relation
            .0
            .iter()
            .map(|part| part.as_ident().map_or_else(|| part.to_string(), |i| i.value.clone()))
            .collect();
        match name.as_slice() {
            [one] if ctes.contains(one) => ControlFlow::Continue(()),
            [one] if project.datasets.contains_key(one) => {
                tables.insert(one.clone());
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Break(name.join(".")),
        }
    });
    if let ControlFlow::Break(name) = unknown {
        return Err(CapabilityError::Unknown {
            kind: "dataset".into(),
            near: nearest(&name, project.datasets.keys().map(String::as_str)),
            name,
        });
    }
    if let (Some(limit), None) = (limit, &query.limit_clause) {
        query.limit_clause = Some(LimitClause::LimitOffset {
            limit: Some(Expr::value(Value::Number(limit.to_string(), false))),
            offset: None,
            limit_by: Vec::new(),
        });
    }
    Ok(Select {
        sql: query.to_string(),
        tables,
    })
}

fn read_only(query: &SqlQuery) -> Result<(), &'static str> {
    fn body(e: &SetExpr) -> Result<(), &'static str> {
        match e {
            SetExpr::Select(s) if s.into.is_some() => Err("SELECT INTO writes a table"),
            SetExpr::Select(_) | SetExpr::Values(_) => Ok(()),
            SetExpr::Query(q) => read_only(q),
            SetExpr::SetOperation { left, right, .. } => body(left).and_then(|()| body(right)),
            _ => Err("it holds a statement that is no SELECT"),
        }
    }
    if let Some(with) = &query.with {
        with.cte_tables.iter().try_for_each(|cte| read_only(&cte.query))?;
    }
    body(&query.body)
}

fn collect_ctes(query: &SqlQuery, names: &mut BTreeSet<String>) {
    use sqlparser::ast::{Visit, Visitor};
    struct Names<'a>(&'a mut BTreeSet<String>);
    impl Visitor for Names<'_> {
        type Break = ();
        fn pre_visit_query(&mut self, query: &SqlQuery) -> ControlFlow<()> {
            if let Some(with) = &query.with {
                self.0
                    .extend(with.cte_tables.iter().map(|c| c.alias.name.value.clone()));
            }
            ControlFlow::Continue(())
        }
    }
    let _ = query.visit(&mut Names(names));
}

/// See [`super::sql_query`].
pub(crate) async fn sql_query(context: &Context, text: &str, limit: Option<u64>) -> Result<SqlAnswer, CapabilityError> {
    let select = parse(&context.project, text, limit, "query")?;
    for table in &select.tables {
        context.facts.seal(table).await?;
    }
    let query = Query {
        label: "query".into(),
        sql: select.sql,
        parameters: Vec::new(),
    };
    let mut rows = context.engine.run(&query, &context.control).await?;
    if let Some(limit) = limit {
        let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
        for batch in &mut rows.batches {
            *batch = batch.slice(0, batch.num_rows().min(left));
            left -= batch.num_rows();
        }
    }
    let mut definitions = BTreeMap::new();
    for name in &select.tables {
        if let Some(d) = context.project.datasets.get(name) {
            definitions.insert(format!("dataset/{name}"), d.meta.digest.clone());
        }
    }
    let zone = context.project.settings.time_zone.clone();
    let provenance = provenance(context, &select.tables, definitions, &rows, zone).await?;
    Ok(SqlAnswer { rows, provenance })
}
