"""The scenarios that everybody has, in the language in which people write their own."""

TEXT = """\
day:
  description: A day with its two humps and its night.
  expect: {errorBudget: 100%, latency: true, pending: 5m, turns: 8}
peak:
  description: The busiest hours of a day that is a third busier than the busiest so far.
  from: 19:00
  duration: 2h
  traffic: {factor: 1.33}
  expect: {errorBudget: 100%, latency: true, pending: 5m}
campaign:
  description: Five times as many requests within a minute, for half an hour at noon.
  from: 11:30
  duration: 2h
  acts:
    - {at: 12:00, surge: 5, rise: 1m, for: 30m, fall: 15m}
  expect: {errorBudget: 100%, recovers: 10m, pending: 5m}
deploy:
  description: A new version of every service, one after another, at noon.
  from: 11:30
  duration: 2h
  acts:
    - {at: 12:00, deploy: "*", every: 2m}
  expect: {errorBudget: 10%, lost: 0, deployed: 15m, turns: 8}
bad-deploy:
  description: A version of the busiest service that fails a third of its requests, for ten minutes.
  from: 11:30
  duration: 2h
  acts:
    - {at: 12:00, deploy: busiest, errors: 33%, for: 10m}
  expect: {errorBudget: 100%, recovers: 10m}
zone-loss:
  description: All machines of one zone stop at half past twelve, and come back after an hour.
  from: 11:30
  duration: 3h
  acts:
    - {at: 12:30, loseZone: first, for: 1h}
  expect: {errorBudget: 100%, recovers: 5m, servingAgain: 10m}
spot-sweep:
  description: Every spot machine is taken back, with two minutes' notice.
  from: 11:30
  duration: 2h
  acts:
    - {at: 12:30, interruptSpot: 100%}
  expect: {errorBudget: 100%, recovers: 5m, servingAgain: 15m, pending: 10m}
node-upgrade:
  description: The control plane and then every node group are upgraded in the morning.
  from: 09:30
  duration: 6h
  acts:
    - {at: 10:00, upgradeNodes: "*"}
  expect: {errorBudget: 10%, lost: 0, upgraded: true, pending: 5m}
dependency-down:
  description: The dependency that is asked most is down for a quarter of an hour.
  from: 11:30
  duration: 2h
  acts:
    - {at: 12:30, break: busiest, for: 15m}
  expect: {errorBudget: 100%, recovers: 5m}
mass-jobs:
  description: Two hundred jobs are started at once, at noon.
  from: 11:30
  duration: 2h
  acts:
    - {at: 12:00, startJobs: 200, cpu: 500m, memory: 512Mi, run: 10m}
  expect: {errorBudget: 10%, latency: true, pending: 15m}
subnet-full:
  description: One zone's subnet has hardly any addresses left when traffic triples.
  from: 11:30
  duration: 2h
  acts:
    - {at: 11:45, fillSubnet: first, leave: 10}
    - {at: 12:00, surge: 3, rise: 5m, for: 30m, fall: 15m}
  expect: {errorBudget: 100%, pending: 5m}
wake:
  description: The environment sleeps and is woken at eight.
  from: 05:00
  duration: 4h
  acts:
    - {at: 05:05, sleep: true}
    - {at: 08:00, wake: true}
  expect: {awake: 10m, pending: 10m}
"""
