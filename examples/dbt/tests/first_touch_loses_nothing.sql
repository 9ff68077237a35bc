-- Every unit of money of people is under one first channel.
with
    modelled as (select project, currency, sum(revenue) as amount from {{ ref('revenue_by_first_touch') }} group by project, currency),
    counted as (
        select project, currency, sum(paid) as amount
        from {{ ref('people') }}
        array join mapKeys(revenue_by_currency) as currency, mapValues(revenue_by_currency) as paid
        group by project, currency
    )
select project, currency, modelled.amount as modelled_amount, counted.amount as counted_amount
from modelled
full outer join counted using (project, currency)
where not (modelled.amount <=> counted.amount)
