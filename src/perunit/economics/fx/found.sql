-- What a reference file says, one row a rate. Grain: day × quote currency. Input: the file's table, read as text
-- with one column a currency. Window: none. N/A and blanks are days without a rate and are left out.
SELECT try_cast(trim(day) AS DATE) AS day, trim(day) AS day_text, trim(quote) AS quote, trim(rate) AS rate
FROM (UNPIVOT fx_file ON COLUMNS(* EXCLUDE (day)) INTO NAME quote VALUE rate)
WHERE trim(rate) NOT IN ('', 'N/A')
