//! Many metric points in few statements.

use sqlx::AssertSqlSafe;

use super::Connection;

/// A metric point with its references in place of names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PointRow {
    pub run: i64,
    pub key: i64,
    pub at_ms: i64,
    pub step: i64,
    /// Zero where it is not a number.
    pub value: f64,
    pub nan: bool,
}

/// Rows of a statement for SQLite. A few lengths, so that each is prepared once; what is left over is filled up with
/// copies of its last row, which are ignored like any point that is there already.
const SIZES: [usize; 4] = [1024, 128, 16, 1];

impl Connection {
    /// Keeps points that are not there yet.
    pub async fn insert_points(&mut self, points: &[PointRow]) -> Result<(), sqlx::Error> {
        match self {
            Connection::Sqlite(connection) => {
                let mut left = points;
                while let Some(last) = left.last() {
                    let fits = SIZES.into_iter().find(|s| *s <= left.len()).unwrap_or(1);
                    // One larger statement costs less than several small ones.
                    let filled = SIZES.into_iter().rev().find(|s| *s >= left.len());
                    let size = match filled {
                        Some(size) if size <= left.len() * 2 => size,
                        _ => fits,
                    };
                    let taken = size.min(left.len());
                    let rows = (0..size).map(|i| if i < taken { left[i] } else { *last });
                    let mut query = sqlx::query(AssertSqlSafe(statement(size)));
                    for row in rows {
                        query = query
                            .bind(row.run)
                            .bind(row.key)
                            .bind(row.at_ms)
                            .bind(row.step)
                            .bind(row.value)
                            .bind(i64::from(row.nan));
                    }
                    query.execute(&mut *connection).await?;
                    left = &left[taken..];
                }
            }
            Connection::Postgres(connection) => {
                let all = |f: fn(&PointRow) -> i64| points.iter().map(f).collect::<Vec<i64>>();
                let values: Vec<f64> = points.iter().map(|p| p.value).collect();
                let sql = "INSERT INTO points (run, key, at_ms, step, value, nan) \
                           SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], \
                           $5::double precision[], $6::bigint[]) ON CONFLICT DO NOTHING";
                sqlx::query(sql)
                    .bind(all(|p| p.run))
                    .bind(all(|p| p.key))
                    .bind(all(|p| p.at_ms))
                    .bind(all(|p| p.step))
                    .bind(values)
                    .bind(all(|p| i64::from(p.nan)))
                    .execute(connection)
                    .await?;
            }
        }
        Ok(())
    }
}

fn statement(rows: usize) -> String {
    let mut sql = String::with_capacity(64 + rows * 16);
    sql.push_str("INSERT OR IGNORE INTO points (run, key, at_ms, step, value, nan) VALUES ");
    for row in 0..rows {
        sql.push_str(if row == 0 { "(?,?,?,?,?,?)" } else { ",(?,?,?,?,?,?)" });
    }
    sql
}
