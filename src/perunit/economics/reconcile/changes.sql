-- What came to the store after an instant and is about a period, in the order it came.
-- Grain: one row a change. Inputs: bills, invoices, billing_periods, reconciliation_entries, price_books, rates,
-- batches, events. Window: came_at > $since; bills, rates and events that touch [$start, $end).
WITH rated AS (
    SELECT DISTINCT book, version
    FROM rates
    WHERE effective_from < $end AND (effective_to IS NULL OR effective_to > $start)
),
came AS (
    SELECT batch_id, count(*) AS events, count(*) FILTER (WHERE late) AS late
    FROM events
    WHERE event_time >= $start AND event_time < $end
        AND batch_id IN (SELECT batch_id FROM batches WHERE ingested_at > $since)
    GROUP BY batch_id
)
SELECT
    imported_at AS came_at, CASE WHEN version = 1 THEN 'new bill' ELSE 'bill version' END AS cause,
    'bill ' || bill_id || ' version ' || version || ' (' || bill_source || ' ' || billing_account_id || ')' AS what
FROM bills
WHERE imported_at > $since AND billing_period_start < $end AND billing_period_end > $start
UNION ALL
SELECT
    imported_at, 'invoice',
    'invoice ' || invoice_id || ' version ' || version || ' (' || invoice_issuer_name || ')'
FROM invoices
WHERE imported_at > $since AND billing_period_start < $end AND billing_period_end > $start
UNION ALL
SELECT imported_at, 'billing period', invoice_issuer_name || ' says ' || billing_period_status
FROM billing_periods
WHERE imported_at > $since AND billing_period_start < $end AND billing_period_end > $start
UNION ALL
SELECT
    e.entered_at, 'entry',
    'entry ' || e.entry_id || ' (' || e.kind || ' on ' || e.invoice_id || ', ' || e.actor || ')'
FROM reconciliation_entries AS e
WHERE e.entered_at > $since
    AND e.invoice_id IN (
        SELECT invoice_id FROM invoices WHERE billing_period_start >= $start AND billing_period_start < $end
        UNION
        SELECT c.invoice_id
        FROM charges AS c
        INNER JOIN bills AS b ON b.bill_id = c.bill_id
        WHERE b.billing_period_start >= $start AND b.billing_period_start < $end
    )
UNION ALL
SELECT p.loaded_at, 'price book', 'book ' || p.book || ' version ' || p.version
FROM price_books AS p
SEMI JOIN rated AS r ON r.book = p.book AND r.version = p.version
WHERE p.loaded_at > $since
UNION ALL
SELECT p.withdrawn_at, 'price book', 'book ' || p.book || ' version ' || p.version || ' withdrawn'
FROM price_books AS p
SEMI JOIN rated AS r ON r.book = p.book AND r.version = p.version
WHERE p.withdrawn_at > $since
    AND NOT EXISTS (SELECT 1 FROM price_books AS n WHERE n.book = p.book AND n.loaded_at = p.withdrawn_at)
UNION ALL
SELECT
    b.ingested_at, CASE WHEN c.late > 0 THEN 'late events' ELSE 'events' END,
    'batch ' || b.batch_id || ' with ' || c.events || ' events, ' || c.late || ' of them late (' || b.file_name || ')'
FROM batches AS b
INNER JOIN came AS c ON c.batch_id = b.batch_id
ORDER BY came_at, cause, what
