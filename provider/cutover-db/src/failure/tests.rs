//! Errors of real servers, and what is made of them.

mod codes;
mod connecting;
mod statements;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::Side;
use cutover_driver::Address;
use sqlx::AssertSqlSafe;

use super::failed;
use crate::{Mysql, Postgres};

async fn refused(at: &Address) -> DbFailure {
    let refused = match at.engine {
        Engine::Postgres => Postgres::open(Side::Source, at).await.err(),
        Engine::Mysql | Engine::Mariadb => Mysql::open(Side::Source, at).await.err(),
    };
    let failure = refused.expect("it must not be let in");
    assert!(!format!("{failure:?}").contains(at.password.reveal()));
    failure
}

async fn of_postgres(database: &Postgres, statement: &str) -> DbFailure {
    let mut session = database.session("trying").await.expect("it is open");
    let error = sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut *session)
        .await
        .expect_err("it must fail");
    failed("trying", &error)
}

async fn of_mariadb(database: &Mysql, statement: &str) -> DbFailure {
    let mut session = database.session("trying").await.expect("it is open");
    let error = sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut *session)
        .await
        .expect_err("it must fail");
    failed("trying", &error)
}

async fn opens(at: &Address) {
    let opened = match at.engine {
        Engine::Postgres => Postgres::open(Side::Source, at).await.map(drop),
        Engine::Mysql | Engine::Mariadb => Mysql::open(Side::Source, at).await.map(drop),
    };
    assert_eq!(opened, Ok(()));
}
