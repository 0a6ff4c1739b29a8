//! One query that reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, TableFactor,
    Visit, Visitor,
};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::expression::function_name;
use super::{NOT_REPEATABLE, SqlProblem, number, parser, problem, tokens};

/// Table functions that read nothing but their arguments.
const TABLE_FUNCTIONS: [&str; 3] = ["generate_series", "range", "unnest"];

/// A parsed, checked query: exactly one `SELECT`, `WITH` or `VALUES`; it changes nothing and reads named tables only.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    ast: Query,
    tables: BTreeSet<String>,
    functions: BTreeSet<String>,
    columns: BTreeSet<String>,
    star: bool,
}

impl Statement {
    /// Parses one query; a semicolon may end it.
    pub fn parse_query(text: &str) -> Result<Statement, SqlProblem> {
        let mut parser = parser(tokens(text)?);
        let first = parser.peek_token();
        let reads = matches!(&first.token, Token::LParen)
            || matches!(&first.token, Token::Word(w)
                if matches!(w.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES));
        if !reads {
            return Err(SqlProblem {
                message: format!(
                    "begins with `{}`; only a query (SELECT or WITH) is accepted",
                    first.token
                ),
                line: number(first.span.start.line),
                column: number(first.span.start.column),
            });
        }
        let ast = *parser.parse_query().map_err(problem)?;
        while parser.consume_token(&Token::SemiColon) {}
        let rest = parser.peek_token();
        if rest.token != Token::EOF {
            return Err(SqlProblem {
                message: format!("goes on with `{}` after its end; one query only", rest.token),
                line: number(rest.span.start.line),
                column: number(rest.span.start.column),
            });
        }
        let mut reader = Reader::default();
        match ast.visit(&mut reader) {
            ControlFlow::Break(message) => Err(SqlProblem::at_start(message)),
            ControlFlow::Continue(()) => Ok(Statement {
                ast,
                tables: reader.tables,
                functions: reader.functions,
                columns: reader.columns,
                star: reader.star,
            }),
        }
    }

    /// Names of the tables that it reads, each once, in order; names that `WITH` gives are not among them.
    pub fn tables(&self) -> Vec<&str> {
        self.tables.iter().map(String::as_str).collect()
    }

    /// Whether it may read a column of that name: it names it, in any letter case, or reads all with `*`.
    pub fn mentions(&self, column: &str) -> bool {
        self.star || self.columns.contains(&column.to_lowercase())
    }

    /// Functions that answer differently each time, which evidence must not rest on.
    pub fn not_repeatable(&self) -> Vec<&str> {
        self.functions
            .iter()
            .map(String::as_str)
            .filter(|f| NOT_REPEATABLE.contains(f))
            .collect()
    }

    /// Written from the tree.
    pub fn render(&self) -> String {
        self.ast.to_string()
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ast.fmt(f)
    }
}

/// Walks a query with the names that `WITH` gives in scope: `WITH t AS (SELECT * FROM t) SELECT * FROM t` reads `t`.
#[derive(Default)]
struct Reader {
    tables: BTreeSet<String>,
    functions: BTreeSet<String>,
    /// Columns named, lower case, without their table.
    columns: BTreeSet<String>,
    /// All columns are read somewhere.
    star: bool,
    /// Names in scope, innermost query last.
    scopes: Vec<BTreeSet<String>>,
    /// Scope of each named query still to be visited, by its address in the tree.
    named: BTreeMap<usize, BTreeSet<String>>,
}

impl Visitor for Reader {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        if let Some(message) = refusal(query) {
            return ControlFlow::Break(message);
        }
        let mut scope = self
            .named
            .remove(&address(query))
            .or_else(|| self.scopes.last().cloned())
            .unwrap_or_default();
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                let name = fold(&cte.alias.name.value, cte.alias.name.quote_style.is_some());
                let mut inside = scope.clone();
                if with.recursive {
                    inside.insert(name.clone());
                }
                self.named.insert(address(&cte.query), inside);
                scope.insert(name);
            }
        }
        self.scopes.push(scope);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<String> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        self.star |= select
            .projection
            .iter()
            .any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
        // `JOIN … USING (a)` names columns outside expressions.
        for join in select.from.iter().flat_map(|t| &t.joins) {
            self.star |= matches!(join_constraint(&join.join_operator), Some(JoinConstraint::Natural));
            if let Some(JoinConstraint::Using(names)) = join_constraint(&join.join_operator) {
                self.columns.extend(
                    names
                        .iter()
                        .filter_map(|n| Some(n.0.last()?.as_ident()?.value.to_lowercase())),
                );
            }
        }
        match &select.into {
            Some(_) => ControlFlow::Break("writes a table (SELECT INTO)".to_owned()),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<String> {
        let function = match factor {
            TableFactor::Table {
                name, args: Some(_), ..
            } => Some(name.to_string().to_lowercase()),
            TableFactor::Function { name, .. } => Some(name.to_string().to_lowercase()),
            TableFactor::TableFunction { expr, .. } => Some(expr.to_string()),
            _ => None,
        };
        match function {
            Some(f) if !TABLE_FUNCTIONS.contains(&f.as_str()) => ControlFlow::Break(format!(
                "reads from the function `{f}`; read from a dataset of the project"
            )),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<String> {
        let mut parts = Vec::new();
        for part in &relation.0 {
            match part {
                ObjectNamePart::Identifier(ident) if ident.quote_style == Some('\'') => {
                    return ControlFlow::Break(format!(
                        "reads from the text {ident}; files are read through datasets of the project"
                    ));
                }
                ObjectNamePart::Identifier(ident) => parts.push(fold(&ident.value, ident.quote_style.is_some())),
                ObjectNamePart::Function(f) => return ControlFlow::Break(format!("reads from the function `{f}`")),
            }
        }
        let named = matches!(parts.as_slice(), [name] if self.scopes.last().is_some_and(|s| s.contains(name)));
        let function = matches!(parts.as_slice(), [name] if TABLE_FUNCTIONS.contains(&name.as_str()));
        if !named && !function {
            self.tables.insert(parts.join("."));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, e: &Expr) -> ControlFlow<String> {
        match e {
            Expr::Function(f) => {
                self.functions.insert(function_name(&f.name));
            }
            Expr::Identifier(ident) => {
                self.columns.insert(ident.value.to_lowercase());
            }
            Expr::CompoundIdentifier(parts) => {
                self.columns.extend(parts.iter().map(|p| p.value.to_lowercase()));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn join_constraint(join: &JoinOperator) -> Option<&JoinConstraint> {
    match join {
        JoinOperator::Join(c)
        | JoinOperator::Inner(c)
        | JoinOperator::Left(c)
        | JoinOperator::LeftOuter(c)
        | JoinOperator::Right(c)
        | JoinOperator::RightOuter(c)
        | JoinOperator::FullOuter(c)
        | JoinOperator::Semi(c)
        | JoinOperator::LeftSemi(c)
        | JoinOperator::RightSemi(c)
        | JoinOperator::Anti(c)
        | JoinOperator::LeftAnti(c)
        | JoinOperator::RightAnti(c) => Some(c),
        _ => None,
    }
}

/// Engines fold unquoted names to lower case.
fn fold(name: &str, quoted: bool) -> String {
    if quoted { name.to_owned() } else { name.to_lowercase() }
}

fn address(query: &Query) -> usize {
    std::ptr::from_ref(query).addr()
}

fn refusal(query: &Query) -> Option<String> {
    if !query.locks.is_empty() {
        return Some("locks rows (FOR UPDATE, FOR SHARE)".to_owned());
    }
    if query.settings.is_some() || query.format_clause.is_some() || query.for_clause.is_some() {
        return Some("sets how an engine answers (SETTINGS, FORMAT, FOR); write the query alone".to_owned());
    }
    writes(&query.body).map(|verb| format!("changes data ({verb}); only queries are accepted"))
}

fn writes(body: &SetExpr) -> Option<&'static str> {
    match body {
        SetExpr::Insert(_) => Some("INSERT"),
        SetExpr::Update(_) => Some("UPDATE"),
        SetExpr::Delete(_) => Some("DELETE"),
        SetExpr::Merge(_) => Some("MERGE"),
        SetExpr::SetOperation { left, right, .. } => writes(left).or_else(|| writes(right)),
        _ => None,
    }
}
