import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import * as ask from '@/api/costs'
import { money, plural } from '@/lib/format'
import { change, portion } from '@/lib/money'
import type { Search } from '@/lib/search'
import { Facts } from '@/parts/page'
import { Said } from '@/parts/said'
import { Empty, Loaded } from '@/parts/states'

const ForecastChart = lazy(async () => ({ default: (await import('./chart')).ForecastChart }))

/** What the next days will cost, and how far such forecasts were wrong before. */
export default function Forecast({ filters }: { filters: Search }) {
  const found = useQuery(ask.forecast(filters))
  return (
    <Loaded query={found}>
      {(forecast) => (
        <div className="stack" style={{ gap: 'var(--gap)' }}>
          {forecast.history.length === 0 ? <NoDay sentence={forecast.sentence} /> : <p className="lead"><Said text={forecast.sentence} /></p>}
          {forecast.history.length > 0 && <Suspense fallback={<div className="chart" />}><ForecastChart found={forecast} /></Suspense>}
          <Honesty forecast={forecast} />
        </div>
      )}
    </Loaded>
  )
}

function NoDay({ sentence }: { sentence: string }) {
  return <Empty title="No full day with costs yet"><p className="second prose">{sentence}</p></Empty>
}

function Honesty({ forecast }: { forecast: ask.Forecast }) {
  const { total, backtest, trend_per_week: trend, level } = forecast
  return (
    <Facts
      rows={[
        [`Next ${plural(forecast.forecast.length, 'day')}`, total && `${money(total.usd)}, between ${money(total.lower)} and ${money(total.upper)}`],
        ['Trend', trend !== null && (Math.abs(trend) < 0.0005 ? 'none' : `${trend > 0 ? '+' : ''}${portion(trend)} a week`)],
        ['Accuracy so far', backtest?.coverage != null && `${portion(backtest.coverage)} of ${plural(backtest.n, 'forecast day')} (${portion(level)} promised)`],
        ['Mean error', backtest?.error != null && portion(backtest.error)],
        ['Calls without a price', forecast.unknown > 0 && plural(forecast.unknown, 'call')],
        ['Last day compared with the day before', forecast.history.length > 1 && change(forecast.history.at(-1)!.usd - forecast.history.at(-2)!.usd)],
      ]}
    />
  )
}
