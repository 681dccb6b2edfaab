"""Games as environments to learn in: what to try next, by reward.

Importing it registers ``copain/Alouette-v0`` and the others with Gymnasium::

    import gymnasium
    import copain.rl

    env = gymnasium.make("copain/Alouette-v0", observation="ram")
    envs = gymnasium.make_vec("copain/Alouette-v0", num_envs=64)
"""

from copain.errors import MissingExtra

try:
    import gymnasium as gymnasium
except ImportError:
    raise MissingExtra.needed("copain.rl", "gymnasium", "rl") from None

from copain.rl.env import CopainEnv
from copain.rl.ram_features import sight_of
from copain.rl.registration import env_id, register
from copain.rl.rewards import Parts, Reward, RewardFunction
from copain.rl.task import OBSERVATIONS, Options, Task
from copain.rl.vector import CopainVectorEnv

__all__ = [
    "OBSERVATIONS", "CopainEnv", "CopainVectorEnv", "Options", "Parts", "Reward",
    "RewardFunction", "Task", "env_id", "register", "sight_of",
]  # fmt: skip

register()
