-- grain: one line of text per row of simulated_facts, in its order.
-- inputs: simulated_facts (one chunk: integers as in facts.py, and `segments`, `machine` as finished text).
-- window: none; the chunk is the window.
SELECT
    concat(
        '{"specversion":"1.0","id":"', format('{:016x}', event_id),
        '","source":"/studio/', source,
        '","type":"', event_type,
        '","time":"', strftime(make_timestamp(time * 1000), '%Y-%m-%dT%H:%M:%S.%gZ'),
        '","recordedtime":"', strftime(make_timestamp(recorded * 1000), '%Y-%m-%dT%H:%M:%S.%gZ'),
        '","datacontenttype":"application/json","data":{',
        CASE WHEN keyed = 1 THEN concat('"order_id":"o-', 100000000 + "order", '",') ELSE '' END,
        CASE WHEN "user" >= 0 THEN concat('"user_id":"u-', 1000000 + "user", '",') ELSE '' END,
        segments,
        CASE event_type
            WHEN 'order.placed' THEN concat(',"items":', items)
            WHEN 'api.call' THEN concat(
                ',"route":"/v1/', ['upload', 'render', 'deliver'][slot], '","status":',
                CASE detail WHEN 1 THEN 500 ELSE 200 END,
                ',"resource":"', machine,
                '","cpu_seconds":', cpu_ms // 1000, '.', lpad((cpu_ms % 1000)::VARCHAR, 3, '0'),
                ',"egress_bytes":', egress_bytes,
                CASE WHEN exports > 0 THEN concat(',"exports":', exports) ELSE '' END,
                ',"latency_ms":', latency_us // 1000, '.', lpad((latency_us % 1000)::VARCHAR, 3, '0'))
            WHEN 'llm.call' THEN concat(
                ',"model":"storyboard-2","input_tokens":', tokens_in, ',"output_tokens":', tokens_out,
                ',"latency_ms":', latency_us // 1000, '.', lpad((latency_us % 1000)::VARCHAR, 3, '0'))
            WHEN 'risk.checked' THEN concat(
                ',"vendor":"', CASE detail WHEN 1 THEN 'watchdog-deep' ELSE 'watchdog' END,
                '","cost":"', cost // 10000, '.', lpad((cost % 10000)::VARCHAR, 4, '0'), '","currency":"USD"')
            WHEN 'checkout.attempted' THEN concat(
                ',"intent":"pi-', 100000000 + "order", '","attempt":', attempt,
                ',"method":"', CASE detail WHEN 1 THEN 'card' ELSE 'none' END,
                '","outcome":"', CASE outcome WHEN 1 THEN 'success' ELSE 'failure' END, '"')
            WHEN 'order.completed' THEN concat(
                ',"items":', items,
                CASE WHEN commission > 0 THEN concat(
                    ',"commission":"', commission // 100, '.', lpad((commission % 100)::VARCHAR, 2, '0'),
                    '","currency":"USD"') ELSE '' END)
            WHEN 'order.failed' THEN concat(
                ',"items":', items, ',"reason":"', ['payment_declined', 'timeout', 'abandoned'][detail + 1], '"')
            WHEN 'payment.settled' THEN concat(
                ',"intent":"pi-', 100000000 + "order",
                '","method":"', CASE detail WHEN 1 THEN 'invoice' ELSE 'card' END,
                '","amount":"', amount // 100, '.', lpad((amount % 100)::VARCHAR, 2, '0'), '"',
                CASE WHEN discount > 0 THEN concat(
                    ',"discount":"', discount // 100, '.', lpad((discount % 100)::VARCHAR, 2, '0'), '"') ELSE '' END,
                ',"tax":"', tax // 100, '.', lpad((tax % 100)::VARCHAR, 2, '0'), '","currency":"USD"')
            WHEN 'order.refunded' THEN concat(
                ',"reason":"', CASE detail WHEN 1 THEN 'partly_wrong' ELSE 'not_as_expected' END,
                '","refund":"', refund // 100, '.', lpad((refund % 100)::VARCHAR, 2, '0'), '","currency":"USD"')
        END,
        '}}', chr(10)) AS line
FROM simulated_facts
