//! The database underneath, SQLite or PostgreSQL. What differs between them stands in this module alone; everything
//! else is SQL that both read, with parameters `$1`, `$2`, ….

mod open;
mod points;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row as _, SqliteConnection, SqlitePool};

use crate::RunsError;

pub(crate) use open::{Place, explain};
pub(crate) use points::PointRow;

/// A value that is bound.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Int(i64),
    Maybe(Option<i64>),
    Text(String),
    MaybeText(Option<String>),
}

impl From<i64> for Arg {
    fn from(value: i64) -> Arg {
        Arg::Int(value)
    }
}

impl From<Option<i64>> for Arg {
    fn from(value: Option<i64>) -> Arg {
        Arg::Maybe(value)
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Arg {
        Arg::Text(value.to_owned())
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Arg {
        Arg::Text(value)
    }
}

impl From<Option<String>> for Arg {
    fn from(value: Option<String>) -> Arg {
        Arg::MaybeText(value)
    }
}

/// A row that was read.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! read {
    ($name:ident, $type:ty) => {
        pub fn $name(&self, at: usize) -> Result<$type, sqlx::Error> {
            match self {
                Row::Sqlite(row) => row.try_get(at),
                Row::Postgres(row) => row.try_get(at),
            }
        }
    };
}

impl Row {
    read!(int, i64);
    read!(maybe, Option<i64>);
    read!(real, f64);
    read!(text, String);
    read!(maybe_text, Option<String>);

    /// A text that is not copied.
    pub fn str(&self, at: usize) -> Result<&str, sqlx::Error> {
        match self {
            Row::Sqlite(row) => row.try_get(at),
            Row::Postgres(row) => row.try_get(at),
        }
    }

    /// What stands there as JSON.
    pub fn document<T: DeserializeOwned>(&self, at: usize) -> Result<T, sqlx::Error> {
        serde_json::from_str(self.str(at)?).map_err(|e| sqlx::Error::Decode(Box::new(e)))
    }
}

/// As JSON, as [`Row::document`] reads it.
pub(crate) fn written(document: &impl Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(document).map_err(|e| sqlx::Error::Encode(Box::new(e)))
}

macro_rules! bound {
    ($sql:expr, $args:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql));
        for arg in $args {
            query = match arg {
                Arg::Int(value) => query.bind(value),
                Arg::Maybe(value) => query.bind(value),
                Arg::Text(value) => query.bind(value),
                Arg::MaybeText(value) => query.bind(value),
            };
        }
        query
    }};
}

/// The connection that writes.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Connection {
    /// A statement without parameters and without an answer.
    pub async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Connection::Sqlite(c) => sqlx::raw_sql(sql).execute(c).await.map(drop),
            Connection::Postgres(c) => sqlx::raw_sql(sql).execute(c).await.map(drop),
        }
    }

    /// Begins a transaction that may write.
    pub async fn begin(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Connection::Sqlite(_) => self.run("BEGIN IMMEDIATE").await,
            Connection::Postgres(_) => self.run("BEGIN").await,
        }
    }

    /// The number of rows that were written.
    pub async fn execute(&mut self, sql: &str, args: Vec<Arg>) -> Result<u64, sqlx::Error> {
        match self {
            Connection::Sqlite(c) => Ok(bound!(sql.to_owned(), args).execute(c).await?.rows_affected()),
            Connection::Postgres(c) => Ok(bound!(sql.to_owned(), args).execute(c).await?.rows_affected()),
        }
    }

    /// Rows whose `column` is one of the texts of a JSON list bound as `$1`.
    pub fn within(&self, column: &str) -> String {
        within(matches!(self, Connection::Sqlite(_)), column)
    }

    /// All rows.
    pub async fn fetch(&mut self, sql: &str, args: Vec<Arg>) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Connection::Sqlite(c) => {
                let rows = bound!(sql.to_owned(), args).fetch_all(c).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Connection::Postgres(c) => {
                let rows = bound!(sql.to_owned(), args).fetch_all(c).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Writes rows of a table, many in a statement. `head` ends before `VALUES`, `tail` begins after it.
    pub async fn insert(&mut self, head: &str, tail: &str, rows: Vec<Vec<Arg>>) -> Result<(), sqlx::Error> {
        const SIZES: [usize; 3] = [64, 8, 1];
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let left = rows.len();
            let size = SIZES.into_iter().find(|s| *s <= left).unwrap_or(1);
            let taken: Vec<Vec<Arg>> = rows.by_ref().take(size).collect();
            let width = taken.first().map_or(0, Vec::len);
            let sql = format!("{head} VALUES {} {tail}", places(size, width));
            self.execute(&sql, taken.into_iter().flatten().collect()).await?;
        }
        Ok(())
    }
}

fn within(sqlite: bool, column: &str) -> String {
    match sqlite {
        true => format!("{column} IN (SELECT value FROM json_each($1))"),
        false => format!("{column} IN (SELECT jsonb_array_elements_text($1::jsonb))"),
    }
}

/// `($1, $2), ($3, $4)`.
fn places(rows: usize, width: usize) -> String {
    let row = |r: usize| {
        let names: Vec<String> = (1..=width).map(|c| format!("${}", r * width + c)).collect();
        format!("({})", names.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// Connections that read.
#[derive(Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// All rows.
    pub async fn fetch(&self, sql: &str, args: Vec<Arg>) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Pool::Sqlite(pool) => {
                let rows = bound!(sql.to_owned(), args).fetch_all(pool).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Pool::Postgres(pool) => {
                let rows = bound!(sql.to_owned(), args).fetch_all(pool).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// All rows of a statement that is not likely to come again.
    pub async fn unprepared(&self, sql: &str) -> Result<Vec<Row>, sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Pool::Sqlite(pool) => {
                let rows = sqlx::query(sql).persistent(false).fetch_all(pool).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Pool::Postgres(pool) => {
                let rows = sqlx::query(sql).persistent(false).fetch_all(pool).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// At most one row.
    pub async fn one(&self, sql: &str, args: Vec<Arg>) -> Result<Option<Row>, sqlx::Error> {
        match self {
            Pool::Sqlite(pool) => Ok(bound!(sql.to_owned(), args)
                .fetch_optional(pool)
                .await?
                .map(Row::Sqlite)),
            Pool::Postgres(pool) => Ok(bound!(sql.to_owned(), args)
                .fetch_optional(pool)
                .await?
                .map(Row::Postgres)),
        }
    }

    /// Rows whose `column` is one of the texts of a JSON list bound as `$1`.
    pub fn within(&self, column: &str) -> String {
        within(matches!(self, Pool::Sqlite(_)), column)
    }

    pub async fn close(&self) {
        match self {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

pub(crate) fn fail(place: &Place) -> impl Fn(sqlx::Error) -> RunsError + '_ {
    move |e| explain(place, &e)
}
