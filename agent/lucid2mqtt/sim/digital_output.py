"""The digital output engine: reflect, duty-cycle and on-off (sections 7.2 and 8)."""

from __future__ import annotations

from collections import deque

from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim import memory as m
from lucid2mqtt.sim.channel import OutputChannel, Watcher
from lucid2mqtt.sim.memory import Memory
from lucid2mqtt.sim.quirks import Fault, Inactive, OutputReads, Quirks, Refusal, Retrigger, SecondOne

US = 1_000_000


def phase_s(microseconds: int) -> float:
    """Length of a phase in whole steps of 10 ms; one that is shorter than a step is skipped (section 7.2)."""
    return microseconds // m.STEP_US * m.STEP_US / US


class DigitalOutput(OutputChannel):
    """One output. `written` is what SetIo said last, `logical` what the engine makes of it, `physical` the contact."""

    value_types = frozenset({ValueType.DI1})

    def __init__(self, memory: Memory, quirks: Quirks, watcher: Watcher) -> None:
        super().__init__(memory, quirks, watcher)
        self.written = False
        self.logical = False
        self._is_powered = False
        self._plan: deque[tuple[float, bool]] = deque()
        self._cycle_ends_at: float | None = None
        self._one_was_taken = False
        self._clock = 0.0

    def advance(self, now: float) -> None:
        while True:
            if not self._plan:
                if self._cycle_ends_at is None or self._cycle_ends_at > now:
                    break
                self._begin_cycle(self._cycle_ends_at)
                continue
            at, state = self._plan[0]
            if at > now:
                break
            self._plan.popleft()
            self._set_logical(state, at)
        self._pass_time(now)

    def measured(self, value_type: ValueType) -> int:
        del value_type
        timed = self.mode in (m.ON_OFF, m.DUTY_CYCLE)
        return int(self.written if timed and self.quirks.output_reads is OutputReads.WRITTEN else self.logical)

    def check_write(self, value_type: ValueType, number: int) -> None:
        del value_type
        if number not in (0, 1):
            raise Refusal(Fault.BAD_VALUE)
        if self.mode == m.INACTIVE and self.quirks.inactive_write is Inactive.REFUSES:
            raise Refusal(Fault.NOT_POSSIBLE)

    def write(self, value_type: ValueType, number: int, now: float) -> None:
        del value_type
        on = number == 1
        match self.mode:
            case m.REFLECT:
                self._set_logical(on, now)
            case m.DUTY_CYCLE:
                self._write_duty_cycle(on, now)
            case m.ON_OFF:
                self._write_on_off(on, now)
            case _:
                return
        self.written = on
        if self.quirks.value_parameter_follows:
            self.memory.follow(m.VALUE, number)

    def parameter_set(self, place: int, old: int, now: float) -> None:
        if place == m.VALUE and self.quirks.value_parameter_acts:
            self.write(ValueType.DI1, self.memory[m.VALUE], now)
        elif place == m.MODE and self.mode != old:
            self._stop()
            self._start(now, triggers=False)
        elif place == m.FLAGS:
            self._show(now)

    def power_on(self, now: float) -> None:
        self._clock = now
        self._is_powered = True
        self.written = bool(self.memory[m.VALUE])
        self._start(now, triggers=self.quirks.persisted_one_starts)

    def power_off(self, now: float) -> None:
        self._stop()
        self._is_powered = False
        self._set_logical(state=False, at=now)

    def _start(self, now: float, *, triggers: bool) -> None:
        """Enter the present mode with what was written; changing to on-off mode alone never starts a run."""
        self._set_logical(self.mode == m.REFLECT and self.written, now)
        if self.written and self.mode == m.DUTY_CYCLE:
            self._begin_cycle(now)
        elif self.written and self.mode == m.ON_OFF and triggers:
            self._begin_run(now)
        self._show(now)

    def _stop(self) -> None:
        self._plan.clear()
        self._cycle_ends_at = None
        self._one_was_taken = False

    def _write_duty_cycle(self, on: bool, now: float) -> None:
        if not on:
            self._stop()
            self._set_logical(state=False, at=now)
        elif self._cycle_ends_at is None:
            self._begin_cycle(now)

    def _begin_cycle(self, now: float) -> None:
        cycle_us = self.memory[m.CYCLE_TIME]
        on_us = cycle_us * self.memory[m.DUTY] // 1000
        on_s = phase_s(on_us)
        self._cycle_ends_at = now + phase_s(cycle_us)
        if on_s:
            self._plan.append((now, True))
        if cycle_us - on_us >= m.STEP_US:
            self._plan.append((now + on_s, False))
        self._carry_out(now)

    def _carry_out(self, now: float) -> None:
        while self._plan and self._plan[0][0] <= now:
            self._set_logical(self._plan.popleft()[1], now)

    def _write_on_off(self, on: bool, now: float) -> None:
        flags = self.memory[m.FLAGS]
        running = bool(self._plan)
        if not on:
            self._one_was_taken = False
            if running and flags & m.CAN_CANCEL:
                self._plan = deque([(now + self.quirks.cancel_latency_s, False)])
                self._carry_out(now)
        elif not running:
            if not self._one_was_taken or self.quirks.second_one is SecondOne.TRIGGERS:
                self._begin_run(now)
        elif flags & m.CAN_RETRIGGER:
            self._retrigger(now)

    def _begin_run(self, now: float) -> None:
        delay_s, hold_s = phase_s(self.memory[m.ON_DELAY]), phase_s(self.memory[m.ON_HOLD])
        self._one_was_taken = True
        self._plan.clear()
        if delay_s:
            self._set_logical(state=False, at=now)
        if hold_s:
            self._plan.extend(((now + delay_s, True), (now + delay_s + hold_s, False)))
        self._carry_out(now)

    def _retrigger(self, now: float) -> None:
        match self.quirks.retrigger:
            case Retrigger.RESTARTS_DELAY:
                self._begin_run(now)
            case Retrigger.EXTENDS_HOLD if self.logical:
                self._plan = deque([(now + phase_s(self.memory[m.ON_HOLD]), False)])
            case _:
                return

    def _set_logical(self, state: bool, at: float) -> None:
        self._pass_time(at)
        self.logical = state
        self._show(at)

    def _show(self, at: float) -> None:
        inverted = bool(self.memory[m.FLAGS] & m.OUTPUT_INVERTED)
        self._put_out(self._is_powered and self.mode != m.INACTIVE and self.logical != inverted, at)

    def _pass_time(self, now: float) -> None:
        if now > self._clock:
            if self._physical:
                self._on_s += now - self._clock
            self._clock = now
