"""The steps of a chat call, in the order of their fold: record, resolve, guard, render, route."""
