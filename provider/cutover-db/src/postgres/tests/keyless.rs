//! Tables without a key: rows are told by their prints, and equal ones counted.

use super::*;

/// D30
#[tokio::test]
async fn three_equal_rows_against_two_are_a_difference_of_one() {
    let script = "
        CREATE TABLE one (a int, b text);
        CREATE TABLE other (a int, b text);
        INSERT INTO one VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, NULL), (3, ''), (3, '');
        INSERT INTO other VALUES (3, ''), (1, 'x'), (2, NULL), (3, ''), (1, 'x');";
    let sides = Sides::open("keyless", script).await;
    let plan = plan(
        vec![
            column(
                "a",
                Kind::Integer {
                    bits: 32,
                    unsigned: false,
                },
                Form::Integer,
            ),
            column("b", TEXT, PLAIN),
        ],
        &[],
    );

    for strategy in STRATEGIES {
        let mut method = method(strategy, HASHED);
        method.mix = Mix::Sum;
        let [one, other] = sides.tallies(&plan, &method).await;
        let differing = one.differing(&other);
        assert_eq!(differing.len(), 1, "{strategy:?}");
        assert_eq!((one.rows(), other.rows()), (6, 5));

        let layout = layout(&sides.one, &plan).await;
        let piece = Piece {
            layout: &layout,
            span: &Span::Whole,
            snapshot: None,
        };
        let chosen = differing.into_iter().collect();
        let printed = sides
            .one
            .prints(&plan, &method, piece, &chosen)
            .await
            .expect("prints");
        let keys: Vec<Key> = printed.rows.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), 3, "{strategy:?}: one entry for each row");

        let one = sides
            .one
            .rows(&plan, &method, &keys[..1])
            .await
            .expect("counts");
        let other = sides
            .other
            .rows(&plan, &method, &keys[..1])
            .await
            .expect("counts");
        assert_eq!(
            (one[0].columns.as_slice(), other[0].columns.as_slice()),
            (&[3][..], &[2][..])
        );
        assert_eq!(one[0].key, keys[0]);
    }
}

#[tokio::test]
async fn a_table_without_a_key_has_no_ranges_and_no_order() {
    let sides = Sides::open("no_order", "CREATE TABLE one (a int)").await;
    let plan = plan(vec![column("a", BIGINT, Form::Integer)], &[]);
    let layout = layout(&sides.one, &plan).await;
    assert_eq!((layout.keys, layout.clustered), (None, false));

    for span in [
        Span::Range {
            from: None,
            until: None,
        },
        Span::After { key: None, rows: 5 },
    ] {
        let piece = Piece {
            layout: &layout,
            span: &span,
            snapshot: None,
        };
        let failure = sides
            .one
            .tally(&plan, &method(Strategy::Stream, HASHED), piece)
            .await
            .expect_err("there is no order");
        assert!(failure.message.contains("without a key"), "{failure:?}");
    }
}
