{{ config(
    materialized='incremental',
    incremental_strategy='delete_insert',
    unique_key=['project', 'day', 'currency'],
    engine='MergeTree()',
    order_by='(project, day, currency)',
) }}

-- Days that are past change while events may come late (LATE_WINDOW, 72 h), so each run makes the last five days anew, and
-- all days of a project that is not here yet. What was taken back altogether has no row in the view any more: what is here
-- is read once more as 0, which takes the place of such a row. Older days stay as they are (docs/bi/dbt.md).
select d.project as project, d.day as day, d.currency as currency, sum(d.revenue) as revenue, sum(d.payments) as payments
from
(
    select project, day, currency, revenue, payments
    from {{ source('sojourn', 'revenue_daily') }}
    {% if is_incremental() %}
    where day >= (select max(day) - 5 from {{ this }}) or project not in (select project from {{ this }})
    union all
    select project, day, currency, toDecimal128(0, 9) as revenue, toInt64(0) as payments
    from {{ this }}
    where day >= (select max(day) - 5 from {{ this }})
    {% endif %}
) as d
group by d.project, d.day, d.currency
