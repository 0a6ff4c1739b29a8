//! SQL in definitions: one expression, or one query. Text becomes a tree, the tree is checked, and only the tree is
//! written again, so that nothing that someone typed is ever pasted into a statement.

mod expression;
mod problem;
mod statement;

pub use expression::{ColumnReference, Expression, quote};
pub use problem::SqlProblem;
pub use statement::Statement;

use sqlparser::ast::Value;
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// Longest text accepted, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Most tokens accepted.
const MAX_TOKENS: usize = 50_000;
/// Longest chain of operators accepted, over all open brackets: each operator deepens the tree by one level, and the
/// tree is walked by recursion. Nesting itself is limited by the parser.
const MAX_CHAIN: usize = 300;

/// Functions that answer differently each time, so that evidence could not be computed again.
const NOT_REPEATABLE: [&str; 14] = [
    "clock_timestamp",
    "current_date",
    "current_time",
    "current_timestamp",
    "gen_random_uuid",
    "getdate",
    "localtime",
    "localtimestamp",
    "now",
    "rand",
    "random",
    "sysdate",
    "today",
    "uuid",
];

/// Splits a text into tokens and refuses what is too large to be handled safely.
fn tokens(text: &str) -> Result<Vec<TokenWithSpan>, SqlProblem> {
    if text.trim().is_empty() {
        return Err(SqlProblem::at_start("is empty"));
    }
    if text.len() > MAX_BYTES {
        return Err(SqlProblem::at_start(format!(
            "is {} bytes long; at most {MAX_BYTES} are accepted",
            text.len()
        )));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, text)
        .tokenize_with_location()
        .map_err(|e| SqlProblem {
            message: e.message,
            line: number(e.location.line),
            column: number(e.location.column),
        })?;
    if tokens.len() > MAX_TOKENS {
        return Err(SqlProblem::at_start(format!(
            "holds {} words and signs; at most {MAX_TOKENS} are accepted",
            tokens.len()
        )));
    }
    let chain = longest_chain(&tokens);
    if chain > MAX_CHAIN {
        return Err(SqlProblem::at_start(format!(
            "chains {chain} operators; at most {MAX_CHAIN} are accepted"
        )));
    }
    if let Some(t) = tokens.iter().find(|t| matches!(t.token, Token::Placeholder(_))) {
        return Err(SqlProblem {
            message: format!("holds a placeholder, `{}`; write the value", t.token),
            line: number(t.span.start.line),
            column: number(t.span.start.column),
        });
    }
    Ok(tokens)
}

/// Most operators in one chain, summed over the brackets open at that point; a comma ends a chain within its brackets.
fn longest_chain(tokens: &[TokenWithSpan]) -> usize {
    let mut outer: Vec<usize> = Vec::new();
    let (mut here, mut open, mut longest) = (0_usize, 0_usize, 0_usize);
    for t in tokens {
        match &t.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                here += usize::from(t.token != Token::LParen);
                open += here;
                outer.push(std::mem::take(&mut here));
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                here = outer.pop().unwrap_or(here);
                open = open.saturating_sub(here);
            }
            Token::Comma => here = 0,
            token if chains(token) => here += 1,
            _ => {}
        }
        longest = longest.max(open + here);
    }
    longest
}

fn chains(token: &Token) -> bool {
    match token {
        Token::Word(w) => {
            w.quote_style.is_none()
                && matches!(
                    w.keyword,
                    Keyword::AND
                        | Keyword::AT
                        | Keyword::BETWEEN
                        | Keyword::COLLATE
                        | Keyword::DIV
                        | Keyword::EXCEPT
                        | Keyword::ILIKE
                        | Keyword::IN
                        | Keyword::INTERSECT
                        | Keyword::IS
                        | Keyword::LIKE
                        | Keyword::MEMBER
                        | Keyword::MINUS
                        | Keyword::NOT
                        | Keyword::OPERATOR
                        | Keyword::OR
                        | Keyword::OVERLAPS
                        | Keyword::REGEXP
                        | Keyword::RLIKE
                        | Keyword::SIMILAR
                        | Keyword::UNION
                        | Keyword::XOR
                )
        }
        Token::Whitespace(_)
        | Token::Period
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::SemiColon
        | Token::EOF => false,
        // Every sign that may be an operator.
        _ => true,
    }
}

fn parser(tokens: Vec<TokenWithSpan>) -> Parser<'static> {
    Parser::new(&GenericDialect {}).with_tokens_with_locations(tokens)
}

fn problem(error: ParserError) -> SqlProblem {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => return SqlProblem::at_start("is nested too deeply"),
    };
    // The parser writes the place at the end of its message: ` at Line: 1, Column: 8`.
    let place = text.rfind(" at Line: ").and_then(|at| {
        let (line, column) = text.get(at + 10..)?.split_once(", Column: ")?;
        Some((at, line.parse().ok()?, column.trim().parse().ok()?))
    });
    match place {
        Some((at, line, column)) => SqlProblem {
            message: sentence(text.get(..at).unwrap_or(&text)),
            line,
            column,
        },
        None => SqlProblem::at_start(sentence(&text)),
    }
}

/// `Expected: an expression, found: EOF` → `expected an expression, found the end`.
fn sentence(text: &str) -> String {
    let text = text
        .replace("Expected: ", "expected ")
        .replace(", found: ", ", found ")
        .replace("found EOF", "found the end");
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => text,
    }
}

fn number(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX).max(1)
}

fn is_text(value: &Value) -> bool {
    matches!(value, Value::SingleQuotedString(_))
}
