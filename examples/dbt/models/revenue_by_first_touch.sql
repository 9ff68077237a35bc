{{ config(engine='MergeTree()', order_by='(project, channel, currency)') }}

-- A map is no column to sum: one row a currency.
select
    project,
    channel,
    currency,
    sum(amount) as revenue,
    toInt64(uniqExact(visitor)) as payers
from {{ ref('first_touch') }}
array join mapKeys(revenue_by_currency) as currency, mapValues(revenue_by_currency) as amount
group by project, channel, currency
