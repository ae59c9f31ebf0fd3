"""The dynamic weight: how strongly consistency may pull at the fusion network.

    weight = min(weight_max, rho * ramp * reliability * presence * ratio)

    ramp        = min(1, step / (ramp_share * steps))
    ratio       = G_fusion / max(G_consistency, floor)
    presence    = min(1, G_consistency / floor)
    reliability = average of agreement over chance * used prototypes / K * equivariance

G are moving averages of the gradient norms at the fusion network's parameters; the floor is
a share of the mean consistency norm over the ramp, so that later spikes do not move it.
`ratio` alone is what IMTL-G (Liu et al. 2021) and Nash-MTL (Navon et al. 2022) give for two
losses; what they lack is whether the consistency signal can be trusted (reliability) and is
still there (presence): a vanishing consistency gradient lowers the weight and never lets it
run away.

Source: ours; arXiv:2509.22450 has a dynamic weight whose formula is not known to us.
"""

from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class ConsistencyHealth:
    """What the trust in the consistency signal is computed from.

    Args:
        agreement: Share of positions that assignment and pixel level give one class, in [0, 1].
        effective_prototypes: Prototypes in use, in [1, K].
        equivariance: Share of positions that a shifted crop gives the same class, in [0, 1].
    """

    agreement: float
    effective_prototypes: float
    equivariance: float


@dataclass(frozen=True)
class WeightTerms:
    """The weight of one step and all that it is computed from; every step's are logged.

    Args:
        weight: What the consistency gradient at the fusion network is multiplied by.
        ramp: Share of the way through the first steps, in [0, 1].
        ratio: Averaged fusion norm over averaged consistency norm, or over the floor if larger.
        presence: How much of a consistency gradient there is, in [0, 1].
        reliability: How far the consistency signal can be relied on, averaged, in [0, 1].
        trust: The weight without the ratio, in [0, 1]: for what only consistency moves.
        floor: Least consistency norm that counts as present.
        fusion_norm: This step's gradient norm of the fusion loss.
        consistency_norm: This step's gradient norm of the consistency loss.
        mean_fusion_norm: Moving average of the former.
        mean_consistency_norm: Moving average of the latter.
    """

    weight: float
    ramp: float
    ratio: float
    presence: float
    reliability: float
    trust: float
    floor: float
    fusion_norm: float
    consistency_norm: float
    mean_fusion_norm: float
    mean_consistency_norm: float


@dataclass
class _Averages:
    fusion_norm: float = 0.0
    consistency_norm: float = 0.0
    early_consistency_norm: float = 0.0
    reliability: float = 0.0
    updates: float = 0.0


class DynamicWeight:
    """Follows the gradient norms and the consistency's health through stage two.

    Args:
        rho: What the weight is multiplied by.
        weight_max: Its greatest value.
        ramp_share: Share of the steps over which it rises from zero.
        floor_share: Share of the early consistency norm that counts as present.
        decay: What the moving averages keep at each step.
        steps: Steps of stage two.
        prototypes: Number K of prototypes.
    """

    def __init__(
        self,
        *,
        rho: float,
        weight_max: float,
        ramp_share: float,
        floor_share: float,
        decay: float,
        steps: int,
        prototypes: int,
    ) -> None:
        self._rho, self._weight_max = rho, weight_max
        self._ramp_steps = ramp_share * steps
        self._floor_share = floor_share
        self._decay = decay
        self._prototypes = prototypes
        self._averages = _Averages()

    def update(
        self,
        step: int,
        *,
        fusion_norm: float,
        consistency_norm: float,
        health: ConsistencyHealth,
    ) -> WeightTerms:
        """Take in one step's measurements and return its weight with all terms.

        Args:
            step: Step of stage two, from 0.
            fusion_norm: Norm of the fusion loss's gradient at the fusion network.
            consistency_norm: Norm of the consistency loss's gradient there.
            health: This step's agreement, used prototypes and equivariance.
        """
        averages = self._averages
        averages.updates += 1
        averages.fusion_norm = self._average(averages.fusion_norm, fusion_norm)
        averages.consistency_norm = self._average(averages.consistency_norm, consistency_norm)
        averages.reliability = self._average(averages.reliability, self._reliability(health))
        if averages.updates == 1 or step < self._ramp_steps:
            early = averages.early_consistency_norm
            averages.early_consistency_norm += (consistency_norm - early) / averages.updates
        return self._terms(step, fusion_norm, consistency_norm)

    def state_dict(self) -> dict[str, float]:
        """Return the averages, for a checkpoint."""
        return asdict(self._averages)

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take up the averages of a checkpoint."""
        self._averages = _Averages(**{field.name: state[field.name] for field in fields(_Averages)})

    def _terms(self, step: int, fusion_norm: float, consistency_norm: float) -> WeightTerms:
        averages = self._averages
        ramp = min(1.0, step / self._ramp_steps) if self._ramp_steps > 0 else 1.0
        floor = self._floor_share * averages.early_consistency_norm
        if floor > 0:
            ratio = averages.fusion_norm / max(averages.consistency_norm, floor)
            presence = min(1.0, averages.consistency_norm / floor)
        else:
            ratio, presence = 0.0, 0.0
        trust = self._rho * ramp * averages.reliability * presence
        return WeightTerms(
            weight=min(self._weight_max, trust * ratio),
            trust=min(1.0, trust),
            ramp=ramp,
            ratio=ratio,
            presence=presence,
            reliability=averages.reliability,
            floor=floor,
            fusion_norm=fusion_norm,
            consistency_norm=consistency_norm,
            mean_fusion_norm=averages.fusion_norm,
            mean_consistency_norm=averages.consistency_norm,
        )

    def _reliability(self, health: ConsistencyHealth) -> float:
        chance = 1.0 / self._prototypes
        over_chance = max(0.0, (health.agreement - chance) / (1.0 - chance))
        used = health.effective_prototypes / self._prototypes
        return over_chance * used * health.equivariance

    def _average(self, average: float, value: float) -> float:
        """Move an average; the first value starts it, so that it needs no correction."""
        if self._averages.updates == 1:
            return value
        return self._decay * average + (1.0 - self._decay) * value
