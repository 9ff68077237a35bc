-- Views only. What bots paid stands beside all that was paid, as in the other views by day: a bot's row is filed once more,
-- under `bot:currency`, and its total under `audience`.
CREATE OR REPLACE VIEW sojourn.revenue_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project',
    currency String COMMENT 'Currency; (none) where none was given',
    revenue Decimal(38, 9) COMMENT 'Revenue of purchases and conversions in the day, refunds taken off. Only of one currency does a sum mean something',
    payments Int64 COMMENT 'Purchases and conversions with a revenue other than 0',
    bot_revenue Decimal(38, 9) COMMENT 'Of revenue, what came from bots',
    bot_payments Int64 COMMENT 'Of payments, what came from bots'
)
AS SELECT t.project AS project, t.day AS day, t.currency AS currency, sumIf(t.value, NOT t.bot) AS revenue, sumIf(t.count, NOT t.bot) AS payments,
    sumIf(t.value, t.bot) AS bot_revenue, sumIf(t.count, t.bot) AS bot_payments
FROM
(
    SELECT project, day, dimension IN ('audience', 'bot:currency') AS bot, dimension IN ('', 'audience') AS is_total,
        if(sign = 1 AND NOT is_total, dimension_value, '(none)') AS currency,
        event_days.value * if(is_total, 1, sign) AS value, event_days.count * if(is_total, 1, sign) AS count
    FROM sojourn.event_days ARRAY JOIN if(dimension IN ('', 'audience'), [1], [1, -1]) AS sign
    WHERE metric_type = 'revenue' AND dimension IN ('', 'currency', 'audience', 'bot:currency')
) AS t
GROUP BY t.project, t.day, t.currency
HAVING revenue != 0 OR payments != 0
COMMENT 'Revenue by currency and day, in the time zone of the project'
