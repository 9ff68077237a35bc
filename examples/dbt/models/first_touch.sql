{{ config(engine='MergeTree()', order_by='(project, visitor)') }}

-- What a visitor's first session came from. argMin of a tuple: the values of one session, not the least of each.
select
    project, visitor, first_day,
    if(first.1 = '', 'Direct', first.1) as channel,
    first.2 as source,
    first.3 as campaign,
    sessions, converted, revenue_by_currency
from
(
    select
        v.project as project,
        v.visitor as visitor,
        min(v.day) as first_day,
        argMin((v.channel, v.traffic_source, v.campaign), (v.started_at, v.session_id)) as first,
        toInt64(count()) as sessions,
        toInt64(countIf(v.converted)) as converted,
        sumMap(v.revenue_by_currency) as revenue_by_currency
    from {{ ref('people') }} as v
    group by v.project, v.visitor
)
