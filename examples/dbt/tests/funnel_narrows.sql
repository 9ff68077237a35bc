-- Rows that this returns are wrong.
select * from {{ ref('daily_funnel') }}
where viewed > sessions or looked_on > viewed or bought > looked_on
