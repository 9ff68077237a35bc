{{ config(
    materialized='incremental',
    incremental_strategy='delete_insert',
    unique_key=['project', 'day', 'currency'],
    engine='MergeTree()',
    order_by='(project, day, currency)',
) }}

-- Days that are past change while events may come late (LATE_WINDOW, 72 h), so each run makes the last five days anew.
select project, day, currency, revenue, payments
from {{ source('sojourn', 'revenue_daily') }}
{% if is_incremental() %}
where day >= (select max(day) - 5 from {{ this }})
{% endif %}
