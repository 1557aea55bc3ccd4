import { describe, expect, it } from 'vitest'
import type { Course, Rehearsal } from '@/api/monitors'
import { weekOf } from './watch-course'

const at = (hour: number) => `2026-11-21T0${hour}:00:00Z`
const point = (hour: number, more: Partial<Course['points'][number]> = {}) => ({ at: at(hour), status: 'ok' as const, n: 20, value: 0.01, expected: null, bound: 0.05, ...more })
const told = (courses: Course[]): Rehearsal => ({ findings: [], since: at(0), until: at(3), looks: 4, blind: 0, fired: 0, fires: [], courses })

describe('the week of a monitor', () => {
  it('has a place for every look, also where a group was not seen', () => {
    const week = weekOf(told([{ group: null, unit: 'share', points: [point(0), point(3, { status: 'alarm', value: 0.08 })] }]), { rule: { kind: 'threshold', above: 0.05 } })
    expect(week.labels).toHaveLength(4)
    expect(week.apart_s).toBe(3600)
    expect(week.ticks).toEqual([null, null, null, null])
    expect(week.lines).toEqual([{ name: 'all', values: [0.01, null, null, 0.08], weak: [null, null, null, null], rang: [false, false, false, true], told: ['1 %  n 20', null, null, '8 %  n 20, alerting'] }])
    expect(week.limits).toEqual([{ name: 'alert above', values: [0.05, 0.05, 0.05, 0.05], bad: true }])
  })

  it('tells what was too little to say anything apart', () => {
    const [line] = weekOf(told([{ group: 'gpt-5', unit: 'ms', points: [point(1, { status: 'unknown', n: 2, value: 900 })] }]), { rule: { kind: 'threshold', above: 2, below: 1 } }).lines
    expect(line).toEqual({ name: 'gpt-5', values: [null, null, null, null], weak: [null, 900, null, null], rang: [false, false, false, false], told: [null, '900 ms  n 2, too little data', null, null] })
  })

  it('draws what is usual of one group alone', () => {
    const rule = { kind: 'change' as const, change: 0.2, direction: 'up' as const }
    const course = { group: null, unit: 'USD', points: [point(2, { expected: 0.02 })] }
    expect(weekOf(told([course]), { rule }).limits).toEqual([
      { name: 'baseline', values: [null, null, 0.02, null], bad: false },
      { name: 'alert beyond', values: [null, null, 0.05, null], bad: true },
    ])
    expect(weekOf(told([course, { ...course, group: 'b' }]), { rule }).limits).toEqual([])
    expect(weekOf(told([course, { ...course, group: 'b' }]), { rule: { kind: 'missing' } }).limits).toEqual([{ name: 'alert below', values: [1, 1, 1, 1], bad: true }])
  })

  it('names each day at its first look', () => {
    const over = { ...told([]), since: '2026-11-21T12:51:00Z', until: '2026-11-22T06:51:00Z' }
    expect(weekOf(over, { rule: { kind: 'missing' } }).ticks).toEqual([null, null, '22 Nov', null])
    const days = { ...over, until: '2026-11-24T12:51:00Z' }
    expect(weekOf(days, { rule: { kind: 'missing' } }).ticks).toEqual(['21 Nov', '22 Nov', '23 Nov', '24 Nov'])
  })

  it('is empty where nothing was seen', () => {
    expect(weekOf(told([]), { rule: { kind: 'change', change: 0.2, direction: 'up' } })).toMatchObject({ lines: [], limits: [], unit: '' })
  })
})
