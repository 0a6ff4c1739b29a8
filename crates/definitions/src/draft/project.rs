//! `steward.yaml` and a README for a new project.

use super::scalar;

/// Text for `steward.yaml`.
pub fn settings(project: &str, owner: &str) -> String {
    format!(
        "# What holds for the whole project.
project: {}
# Owner of every definition that names none.
owner: {}
# Zone in which days, weeks and months begin.
time_zone: UTC
# Currency of money, as in ISO 4217.
# currency: EUR
# Significance level of experiments that name none.
# alpha: 0.05
# Where queries run: in this program, or in a database whose address stands in an environment variable.
# engine:
#   kind: datafusion
#   memory_mib: 1024
# Who may own and decide; without this list, anyone.
# people:
#   - name: {}
#     label: Full Name
#     email: name@example.org
#     team: data
",
        scalar(project),
        scalar(owner),
        scalar(owner),
    )
}

/// Text for `README.md`.
pub fn readme(project: &str) -> String {
    let title: String = project.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!(
        "# {}

A project of definitions for Steward. Keep it in git.

| folder | what it holds |
|---|---|
| `steward.yaml` | what holds for the whole project |
| `datasets/` | datasets with their contracts (Open Data Contract Standard) |
| `metrics/` | semantic models and metrics (dbt's semantic YAML) |
| `experiments/` | randomised comparisons |
| `objectives/` | objectives with key results, which are metrics |
| `initiatives/`, `bets/` | the portfolio and its business cases |
| `reports/` | Markdown with metric, chart and SQL blocks |

```
steward check    # every problem, with its place
steward plan     # what would change, and what would break
steward apply    # put it in force, as a decision
steward run      # evaluate what is due
steward serve    # look at it
```
",
        title.trim()
    )
}
