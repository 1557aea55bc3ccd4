import type { Course, Definition, Rehearsal } from '@/api/monitors'
import { count } from './format'
import { tick } from './panels'
import { inUnit } from './watch'

/** A monitor's week before it is drawn: a line for each group, and the lines it rings at. */
export interface Week {
  labels: string[]
  ticks: (string | null)[]
  apart_s: number
  unit: string
  lines: WeekLine[]
  limits: { name: string; values: (number | null)[]; bad: boolean }[]
}

export interface WeekLine {
  name: string
  /** Null where nothing came, or too little to say anything. */
  values: (number | null)[]
  /** What was too little. */
  weak: (number | null)[]
  rang: boolean[]
  told: (string | null)[]
}

export function weekOf({ since, until, looks, courses }: Rehearsal, definition: Pick<Definition, 'rule'>): Week {
  const first = Date.parse(since)
  const apart = (Date.parse(until) - first) / Math.max(looks - 1, 1)
  const moments = Array.from({ length: looks }, (_, at) => new Date(first + at * apart).toISOString())
  const placed = courses.map((course) => byLook(course, looks, (time) => Math.round((Date.parse(time) - first) / apart)))
  const unit = courses[0]?.unit ?? ''
  const lines = placed.map((points, i) => lineOf(points, courses[i]!))
  return { labels: moments.map((time) => tick(time, apart / 1000)), ticks: daysOf(moments), apart_s: Math.round(apart / 1000), unit, lines, limits: limitsOf(placed, definition) }
}

/** The day at its first look, wherever in the day that is. */
function daysOf(moments: string[]): (string | null)[] {
  const days = moments.map((time) => tick(time, 86_400))
  return days.map((day, at) => (day !== days[at === 0 ? 1 : at - 1] ? day : null))
}

type Point = Course['points'][number]

function byLook(course: Course, looks: number, place: (time: string) => number): (Point | null)[] {
  const found = new Array<Point | null>(looks).fill(null)
  for (const point of course.points) found[place(point.at)] = point
  return found
}

const SAID: Record<string, string> = { alarm: ', alerting', unknown: ', too little data' }

function lineOf(points: (Point | null)[], { group, unit }: Course): WeekLine {
  return {
    name: group ?? 'all',
    values: points.map((point) => (point === null || point.status === 'unknown' ? null : point.value)),
    weak: points.map((point) => (point?.status === 'unknown' ? point.value : null)),
    rang: points.map((point) => point?.status === 'alarm'),
    told: points.map((point) => point && `${inUnit(point.value, unit)}  n ${count(point.n)}${SAID[point.status] ?? ''}`),
  }
}

/** A fixed line holds for every group; what is usual is each group's own, and is drawn where there is one. */
function limitsOf(placed: (Point | null)[][], { rule }: Pick<Definition, 'rule'>): Week['limits'] {
  const looks = placed[0]?.length ?? 0
  const flat = (value: number) => new Array<number>(looks).fill(value)
  if (rule.kind === 'threshold') {
    const { above, below } = rule
    return [...(above === undefined ? [] : [{ name: 'alert above', values: flat(above), bad: true }]), ...(below === undefined ? [] : [{ name: 'alert below', values: flat(below), bad: true }])]
  }
  if (rule.kind === 'missing') return [{ name: 'alert below', values: flat(rule.min_count ?? 1), bad: true }]
  const [only, another] = placed
  if (!only || another) return []
  const drawn = [
    { name: rule.kind === 'burn' ? 'budget' : 'baseline', values: only.map((point) => point?.expected ?? null), bad: false },
    { name: rule.kind === 'burn' ? 'alert above' : 'alert beyond', values: only.map((point) => point?.bound ?? null), bad: true },
  ]
  return drawn.filter((each) => each.values.some((value) => value !== null))
}
