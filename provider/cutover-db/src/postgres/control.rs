//! Who writes to a database of PostgreSQL: the fence, the row, the journal, markers, and the place in the log.

use std::sync::Arc;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::Side;
use cutover_driver::{Address, Fenced, WriterControl};

/// Opens one side, and proves that it can be reached.
pub(crate) async fn open(
    _side: Side,
    _at: &Address,
    _of: &Fenced,
) -> Result<Arc<dyn WriterControl>, DbFailure> {
    Err(DbFailure {
        class: DbFailureClass::Unsupported,
        doing: "opening".to_owned(),
        code: None,
        message: String::new(),
    })
}
