//! Functions and aggregates.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    OrderByExpr,
};
use steward_compute::Dialect;

use super::{Writer, numbers, spoken, written, zones};

/// Arguments that are plain expressions.
pub(super) fn arguments(function: &Function) -> Result<Vec<&Expr>, String> {
    match &function.args {
        FunctionArguments::None => Ok(Vec::new()),
        FunctionArguments::List(list) => list
            .args
            .iter()
            .map(|a| match a {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Ok(e),
                other => Err(format!("the argument {other} of {} is not portable", function.name)),
            })
            .collect(),
        FunctionArguments::Subquery(_) => Err(format!("a query as argument of {} is not portable", function.name)),
    }
}

fn is_distinct(function: &Function) -> bool {
    matches!(&function.args, FunctionArguments::List(l) if l.duplicate_treatment == Some(DuplicateTreatment::Distinct))
}

/// `ORDER BY` inside the parentheses.
fn order(function: &Function) -> Vec<OrderByExpr> {
    let FunctionArguments::List(list) = &function.args else {
        return Vec::new();
    };
    let keys = list.clauses.iter().filter_map(|c| match c {
        FunctionArgumentClause::OrderBy(keys) => Some(keys.clone()),
        _ => None,
    });
    keys.flatten().collect()
}

fn join(parts: &[impl ToString]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Aggregates whose filter may become `CASE WHEN … THEN x END`: they leave nulls out.
const AGGREGATES: [&str; 18] = [
    "sum",
    "avg",
    "mean",
    "min",
    "max",
    "count",
    "stddev",
    "stddev_samp",
    "stddev_pop",
    "var",
    "var_samp",
    "var_pop",
    "corr",
    "covar_pop",
    "covar_samp",
    "bool_and",
    "bool_or",
    "variance",
];

/// Scalar and window functions of the same name and meaning everywhere.
const SAME: [&str; 27] = [
    "abs",
    "ceil",
    "floor",
    "sqrt",
    "exp",
    "ln",
    "power",
    "sign",
    "coalesce",
    "nullif",
    "upper",
    "lower",
    "trim",
    "ltrim",
    "rtrim",
    "replace",
    "left",
    "right",
    "row_number",
    "rank",
    "dense_rank",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "ntile",
    "grouping",
];

impl Writer<'_> {
    /// How a function is written; `None` leaves it.
    pub(super) fn function(&self, function: &Function) -> Result<Option<Expr>, String> {
        let name = function.name.to_string().to_lowercase();
        if is_star(function) {
            return self.count_rows(&name, function);
        }
        let arguments = arguments(function)?;
        let lacks_filter = matches!(self.dialect, Dialect::BigQuery | Dialect::Snowflake | Dialect::Redshift);
        if name == "moments" {
            if function.over.is_some() || is_distinct(function) {
                return Err("moments over windows or of DISTINCT values is not portable".to_owned());
            }
            return Ok(Some(self.moments(&arguments, function.filter.as_deref())));
        }
        if AGGREGATES.contains(&name.as_str()) {
            return self.aggregate(&name, function, &arguments, lacks_filter).map(Some);
        }
        if let Some(text) = self.order_statistic(&name, function, &arguments)? {
            if function.filter.is_some() && !text.contains("FILTER") {
                return Err(format!(
                    "{name} with FILTER is not portable; use CASE WHEN in its argument"
                ));
            }
            return Ok(Some(written(text)));
        }
        if function.filter.is_some() {
            return Err(format!("{name} with FILTER is not portable"));
        }
        if SAME.contains(&name.as_str()) {
            return Ok(None);
        }
        self.scalar(&name, &arguments).map(|text| Some(written(text)))
    }

    /// `count(*)`.
    fn count_rows(&self, name: &str, function: &Function) -> Result<Option<Expr>, String> {
        if name != "count" {
            return Err(format!("{name}(*) is not portable"));
        }
        match (&function.filter, self.dialect) {
            (Some(filter), Dialect::BigQuery | Dialect::Snowflake | Dialect::Redshift) => {
                let over = function.over.as_ref().map(|w| format!(" OVER {w}")).unwrap_or_default();
                Ok(Some(written(format!("COUNT(CASE WHEN {filter} THEN 1 END){over}"))))
            }
            _ => Ok(None),
        }
    }

    fn aggregate(
        &self,
        name: &str,
        function: &Function,
        arguments: &[&Expr],
        lacks_filter: bool,
    ) -> Result<Expr, String> {
        use Dialect::{BigQuery, Redshift, Snowflake};
        if !order(function).is_empty() || function.null_treatment.is_some() || !function.within_group.is_empty() {
            return Err(format!("{function} is not portable"));
        }
        let new_name = match (name, self.dialect) {
            ("mean", _) => "avg",
            ("stddev", _) => "stddev_samp",
            ("var" | "variance", _) => "var_samp",
            ("corr" | "covar_pop" | "covar_samp", Redshift) => {
                return Err(format!("{name} does not exist; use moments"));
            }
            ("bool_and", Snowflake) => "booland_agg",
            ("bool_or", Snowflake) => "boolor_agg",
            ("bool_and", BigQuery) => "logical_and",
            ("bool_or", BigQuery) => "logical_or",
            (name, _) => name,
        };
        let distinct = if is_distinct(function) { "DISTINCT " } else { "" };
        if arguments.len() != 1 && !distinct.is_empty() {
            return Err(format!("{function}: count one expression"));
        }
        let mut values: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        // Canonical averages are doubles; PostgreSQL and others average integers as decimals, which is as exact.
        let mut filter = String::new();
        if let Some(condition) = &function.filter {
            if lacks_filter {
                for value in &mut values {
                    *value = format!("CASE WHEN {condition} THEN {value} END");
                }
            } else {
                filter = format!(" FILTER (WHERE {condition})");
            }
        }
        if self.dialect == Redshift && new_name == "avg" {
            // Redshift averages integers as integers.
            for value in &mut values {
                *value = self.as_double(&value);
            }
        }
        let over = function.over.as_ref().map(|w| format!(" OVER {w}")).unwrap_or_default();
        Ok(written(format!(
            "{}({distinct}{}){filter}{over}",
            new_name.to_uppercase(),
            values.join(", ")
        )))
    }

    /// Quantiles, distinct counts by sketch and the first value in an order.
    fn order_statistic(&self, name: &str, function: &Function, arguments: &[&Expr]) -> Result<Option<String>, String> {
        use Dialect::{BigQuery, DataFusion, Postgres, Redshift, Snowflake, Spark};
        let within = function.within_group.first().map(|o| o.expr.to_string());
        let descends = function
            .within_group
            .first()
            .is_some_and(|o| o.options.asc == Some(false));
        let unfit = || format!("{function} is not portable");
        Ok(Some(match name {
            "approx_distinct" => {
                let [x] = arguments else { return Err(unfit()) };
                match self.dialect {
                    Postgres | DataFusion => format!("COUNT(DISTINCT {x})"),
                    Redshift => format!("APPROXIMATE COUNT(DISTINCT {x})"),
                    _ => format!("APPROX_COUNT_DISTINCT({x})"),
                }
            }
            "median" | "percentile_cont" | "quantile_cont" => {
                let (p, x) = match (name, arguments, within) {
                    ("median", [x], None) => ("0.5".to_owned(), x.to_string()),
                    (_, [p], Some(x)) if !descends => (p.to_string(), x),
                    _ => return Err(unfit()),
                };
                if self.dialect == BigQuery {
                    return Err("exact quantiles are no aggregates there; use approx_percentile_cont".to_owned());
                }
                format!("PERCENTILE_CONT({p}) WITHIN GROUP (ORDER BY {x})")
            }
            "approx_percentile_cont" => {
                let (x, p) = match (arguments, within) {
                    ([p], Some(x)) if !descends => (x, *p),
                    ([x, p], None) => (x.to_string(), *p),
                    _ => return Err(unfit()),
                };
                match self.dialect {
                    Spark => format!("PERCENTILE_APPROX({x}, {p})"),
                    Snowflake => format!("APPROX_PERCENTILE({x}, {p})"),
                    BigQuery => format!("APPROX_QUANTILES({x}, 1000)[OFFSET(CAST({p} * 1000 AS INT64))]"),
                    Redshift => format!("APPROXIMATE PERCENTILE_DISC({p}) WITHIN GROUP (ORDER BY {x})"),
                    _ => format!("PERCENTILE_CONT({p}) WITHIN GROUP (ORDER BY {x})"),
                }
            }
            "first_value" | "last_value" if function.over.is_none() => {
                let ([x], keys) = (arguments, order(function)) else {
                    return Err(unfit());
                };
                if name == "last_value" || keys.is_empty() || keys.iter().any(|k| k.options.asc == Some(false)) {
                    return Err(format!(
                        "{function}: write first_value(x ORDER BY …) with ascending keys"
                    ));
                }
                let by = join(&keys.iter().map(|k| &k.expr).collect::<Vec<_>>());
                match self.dialect {
                    Postgres => format!("(ARRAY_AGG({x} ORDER BY {by}))[1]"),
                    BigQuery => format!("ARRAY_AGG({x} ORDER BY {by} LIMIT 1)[OFFSET(0)]"),
                    Spark => format!("MIN_BY({x}, STRUCT({by}))"),
                    Snowflake => {
                        format!(
                            "CAST(GET(ARRAY_AGG(COALESCE(TO_VARIANT({x}), PARSE_JSON('null'))) WITHIN GROUP (ORDER BY {by}), 0) AS VARCHAR)"
                        )
                    }
                    _ => return Err("the first value of a group cannot be asked for; use a window".to_owned()),
                }
            }
            _ => return Ok(None),
        }))
    }

    /// Whether a text holds a match of a regular expression.
    pub(super) fn matches(&self, text: &Expr, pattern: &Expr) -> String {
        match self.dialect {
            Dialect::Spark => format!("{text} RLIKE {pattern}"),
            Dialect::BigQuery => format!("REGEXP_CONTAINS({text}, {pattern})"),
            // Snowflake's REGEXP_LIKE matches the whole text only.
            Dialect::Snowflake => format!("REGEXP_INSTR({text}, {pattern}) > 0"),
            _ => format!("{text} ~ {pattern}"),
        }
    }

    /// Where `part` starts in `text`, from 1; 0 if nowhere.
    pub(super) fn position(&self, text: &Expr, part: &Expr) -> Expr {
        written(match self.dialect {
            Dialect::Spark => format!("LOCATE({part}, {text})"),
            Dialect::Snowflake => format!("CHARINDEX({part}, {text})"),
            _ => format!("STRPOS({text}, {part})"),
        })
    }

    fn scalar(&self, name: &str, arguments: &[&Expr]) -> Result<String, String> {
        use Dialect::{BigQuery, DataFusion, Postgres, Redshift, Snowflake, Spark};
        let d = self.dialect;
        Ok(match (name, arguments) {
            (zones::LOCAL_DATE, [instant, zone]) => match d {
                BigQuery => format!("DATE({instant}, {zone})"),
                _ => format!("CAST({} AS DATE)", self.local_time(instant, zone)),
            },
            (zones::LOCAL_START_DATE, [unit, instant, zone]) => {
                format!(
                    "CAST({} AS DATE)",
                    self.start(unit, &self.local_time(instant, zone), true)?
                )
            }
            (zones::LOCAL_START, [unit, instant, zone]) => self.local_start(unit, instant, zone)?,
            (zones::LOCAL_TIME, [instant, zone]) => self.local_time(instant, zone),
            (numbers::INTEGER_QUOTIENT, [a, b]) => match d {
                BigQuery => format!("DIV({a}, {b})"),
                Snowflake => format!("TRUNC({a} / {b})"),
                Spark => format!("({a} DIV {b})"),
                _ => format!("{a} / {b}"),
            },
            (numbers::UNCLEAR_QUOTIENT, [a, b]) => match d {
                BigQuery | Snowflake | Spark => {
                    return Err(format!(
                        "whether {a} / {b} divides integers is unclear; cast one to DOUBLE"
                    ));
                }
                _ => format!("{a} / {b}"),
            },
            // Canonical casts to integers cut the fraction off; others than Spark's round.
            (numbers::CUT, [x]) => match d {
                Spark => x.to_string(),
                _ => format!("TRUNC({x})"),
            },
            ("date_trunc", [unit, time]) => self.start(unit, &time.to_string(), false)?,
            ("date_part" | "datepart", [field, time]) => self.date_part(&field.to_string(), time)?.to_string(),
            ("pow", [x, y]) => format!("POWER({x}, {y})"),
            ("log10", [x]) => match d {
                Postgres | Redshift => format!("LOG({x})"),
                Snowflake => format!("LOG(10, {x})"),
                _ => format!("LOG10({x})"),
            },
            ("log2", [x]) => match d {
                Postgres | Redshift => format!("(LN({x}) / LN(CAST(2 AS DOUBLE PRECISION)))"),
                Snowflake => format!("LOG(2, {x})"),
                BigQuery => format!("LOG({x}, 2)"),
                _ => format!("LOG2({x})"),
            },
            ("trunc", [x]) => match d {
                Spark => format!("(SIGN({x}) * FLOOR(ABS({x})))"),
                _ => format!("TRUNC({x})"),
            },
            ("round", [x]) => match d {
                // PostgreSQL rounds halves of doubles to even; canonical is away from zero.
                Postgres | Redshift | DataFusion => format!("(SIGN({x}) * FLOOR(ABS({x}) + 0.5))"),
                _ => format!("ROUND({x})"),
            },
            ("round", [x, digits]) => match d {
                Postgres => format!("CAST(ROUND(CAST({x} AS NUMERIC), CAST({digits} AS INTEGER)) AS DOUBLE PRECISION)"),
                _ => format!("ROUND({x}, {digits})"),
            },
            ("length" | "char_length" | "character_length", [x]) => match d {
                Redshift => format!("LEN({x})"),
                _ => format!("LENGTH({x})"),
            },
            ("substr" | "substring", [x, from]) => format!("SUBSTR({x}, {from})"),
            ("substr" | "substring", [x, from, length]) => format!("SUBSTR({x}, {from}, {length})"),
            ("btrim", [x]) => format!("TRIM({x})"),
            ("strpos" | "instr" | "position", [text, part]) => self.position(text, part).to_string(),
            ("starts_with", [text, part]) => match d {
                Spark | Snowflake => format!("STARTSWITH({text}, {part})"),
                Redshift => format!("(STRPOS({text}, {part}) = 1)"),
                _ => format!("STARTS_WITH({text}, {part})"),
            },
            ("regexp_like", [text, pattern]) => format!("({})", self.matches(text, pattern)),
            // Canonical concat reads NULL as nothing.
            ("concat", parts) if !parts.is_empty() => match d {
                Postgres => format!("CONCAT({})", join(parts)),
                _ => {
                    let parts: Vec<String> = parts.iter().map(|p| format!("COALESCE({p}, '')")).collect();
                    format!("({})", parts.join(" || "))
                }
            },
            ("greatest" | "least", values) if !values.is_empty() => match d {
                Postgres | Spark | Redshift => format!("{}({})", name.to_uppercase(), join(values)),
                Snowflake => format!("{}_IGNORE_NULLS({})", name.to_uppercase(), join(values)),
                _ => {
                    let aggregate = if name == "greatest" { "MAX" } else { "MIN" };
                    format!("(SELECT {aggregate}(v) FROM UNNEST([{}]) AS v)", join(values))
                }
            },
            ("isnan", [x]) => match d {
                Spark => format!("ISNAN({x})"),
                BigQuery => format!("IS_NAN({x})"),
                _ => format!("({x} = CAST('NaN' AS DOUBLE PRECISION))"),
            },
            ("random" | "uuid" | "now" | "current_timestamp" | "current_date", _) => {
                return Err(format!("{name} gives another answer every time; bind a parameter"));
            }
            _ => {
                return Err(format!(
                    "the function {name} with {} arguments has no equal in {}",
                    arguments.len(),
                    spoken(d)
                ));
            }
        })
    }
}

fn is_star(function: &Function) -> bool {
    matches!(&function.args, FunctionArguments::List(l)
        if matches!(l.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]))
}
