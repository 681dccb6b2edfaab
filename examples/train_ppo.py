"""PPO in one file: nothing between you and the algorithm. Same seed, same training.

Proximal policy optimization (https://arxiv.org/abs/1707.06347) over copain's vector environment,
the way CleanRL writes trainers (https://github.com/vwxyzjn/cleanrl). With these few steps it only
shows that it runs; ``python train_ppo.py --steps 1000000`` learns.
"""

# pyright: basic
# torch and Gymnasium type themselves in part.

import argparse
from collections import deque

import gymnasium
import numpy as np
import torch
from torch import nn

import copain.rl  # noqa: F401 - tells Gymnasium of copain's environments

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--game", default="copain/Alouette-v0", help="an environment's name")
parser.add_argument("--steps", type=int, default=4096, help="environment steps in all")
parser.add_argument("--envs", type=int, default=16, help="copies of the game at once")
parser.add_argument("--rollout", type=int, default=64, help="steps of each between two updates")
parser.add_argument("--epochs", type=int, default=4, help="times that a rollout is learned from")
parser.add_argument("--minibatch", type=int, default=256, help="steps of one gradient")
parser.add_argument("--rate", type=float, default=7e-4, help="learning rate; falls to 0")
parser.add_argument("--discount", type=float, default=0.99, help="what a later reward counts")
parser.add_argument("--smoothing", type=float, default=0.95, help="lambda of the advantages")
parser.add_argument("--clip", type=float, default=0.2, help="how far the odds may move at once")
parser.add_argument("--entropy", type=float, default=0.003, help="what it is worth to stay curious")
parser.add_argument("--scale", type=float, default=1 / 500, help="reward of a point")
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()

torch.manual_seed(args.seed)
torch.set_num_threads(1)
envs = gymnasium.make_vec(
    args.game, num_envs=args.envs, observation="ram", stack=2, sticky=0.25,
    autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP,
)  # fmt: skip
features = gymnasium.spaces.flatdim(envs.single_observation_space)
actions = gymnasium.spaces.flatdim(envs.single_action_space)


def network(outputs: int, gain: float) -> nn.Sequential:
    last = nn.Linear(128, outputs)
    nn.init.orthogonal_(last.weight, gain)
    return nn.Sequential(nn.Linear(features, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), last)


actor, critic = network(actions, 0.01), network(1, 1.0)
weights = [*actor.parameters(), *critic.parameters()]
optimizer = torch.optim.Adam(weights, lr=args.rate, eps=1e-5)
returns: deque[float] = deque(maxlen=100)
running = np.zeros(args.envs)

seen, _ = envs.reset(seed=args.seed)
made = 0
while made < args.steps:
    optimizer.param_groups[0]["lr"] = args.rate * (1 - made / args.steps)

    # Play.
    shape = (args.rollout, args.envs)
    saw, took = torch.zeros(*shape, features), torch.zeros(shape, dtype=torch.long)
    odds, value, gained, over = (torch.zeros(shape) for _ in range(4))
    for t in range(args.rollout):
        saw[t] = torch.from_numpy(seen)
        with torch.no_grad():
            policy = torch.distributions.Categorical(logits=actor(saw[t]))
            took[t] = policy.sample()
            odds[t], value[t] = policy.log_prob(took[t]), critic(saw[t])[:, 0]
        seen, reward, terminated, truncated, _ = envs.step(took[t].numpy())
        # A time limit is taken for an end: episodes here end long before it.
        ended = terminated | truncated
        gained[t] = torch.from_numpy(args.scale * reward - terminated)
        over[t] = torch.from_numpy(ended)
        running += reward
        returns.extend(running[ended].tolist())
        running[ended] = 0
    made += args.rollout * args.envs

    # How much better than expected was each action?
    advantage = torch.zeros(shape)
    with torch.no_grad():
        after, carried = critic(torch.from_numpy(seen))[:, 0], torch.zeros(args.envs)
    for t in reversed(range(args.rollout)):
        goes_on = 1 - over[t]
        surprise = gained[t] + args.discount * goes_on * after - value[t]
        carried = surprise + args.discount * args.smoothing * goes_on * carried
        advantage[t], after = carried, value[t]
    wanted = advantage + value

    # Learn.
    rows = args.rollout * args.envs
    saw, took, odds = saw.reshape(rows, features), took.reshape(rows), odds.reshape(rows)
    advantage, wanted = advantage.reshape(rows), wanted.reshape(rows)
    for _ in range(args.epochs):
        for batch in torch.randperm(rows).split(args.minibatch):
            policy = torch.distributions.Categorical(logits=actor(saw[batch]))
            ratio = (policy.log_prob(took[batch]) - odds[batch]).exp()
            better = advantage[batch]
            better = (better - better.mean()) / (better.std() + 1e-8)
            clipped = ratio.clamp(1 - args.clip, 1 + args.clip)
            gain = torch.min(better * ratio, better * clipped).mean()
            error = (critic(saw[batch])[:, 0] - wanted[batch]).square().mean()
            loss = 0.5 * error - gain - args.entropy * policy.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 0.5)
            optimizer.step()
    print(f"{made} steps: {np.mean(returns):.0f} points an episode, of the last {len(returns)}")
envs.close()
