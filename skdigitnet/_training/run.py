"""One call to fit: from checked rows to a trained state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skdigitnet._problem.class_weight import apply_class_weight
from skdigitnet._problem.cost import useful_threads
from skdigitnet._problem.initial_weights import draw_weights
from skdigitnet._problem.labels import Labels
from skdigitnet._problem.network import Network
from skdigitnet._problem.objective import Objective
from skdigitnet._problem.output_layer import OutputLayer
from skdigitnet._problem.row_blocks import RowBlocks
from skdigitnet._problem.rows import TrainingRows, ValidationRows
from skdigitnet._problem.samples import Samples
from skdigitnet._problem.splits import hold_out, spread_classes
from skdigitnet._system.interrupts import Interrupts, uninterrupted
from skdigitnet._system.threads import Team, n_threads
from skdigitnet._training.callback_bridge import FitTask
from skdigitnet._training.divergence import Divergence, Usual
from skdigitnet._training.encoding import Encoding, as_targets
from skdigitnet._training.monitor import Judges, Watch
from skdigitnet._training.plateau import Plateau, constant_loss
from skdigitnet._training.scoring import Score, accuracy_on, minus_loss_on, scorer_on
from skdigitnet._training.solver import Solver, SolverRun
from skdigitnet._training.state import TrainingState
from skdigitnet._training.stopping import StoppingRule

Weights = tuple[list[np.ndarray], list[np.ndarray]]  # coefs and intercepts


@contextmanager
def unchanged_on_error(random_state):
    """Restore a RandomState that the user passed if an error is raised."""
    if not isinstance(random_state, np.random.RandomState):
        yield
        return
    state = random_state.get_state(legacy=False)
    try:
        yield
    except Exception:
        random_state.set_state(state)
        raise


def restored_generator(state: Any) -> np.random.RandomState:
    """A generator that continues from ``get_state(legacy=False)``."""
    kind = getattr(np.random, state["bit_generator"])
    if not (isinstance(kind, type) and issubclass(kind, np.random.BitGenerator)):
        raise ValueError(f"{kind!r} is not a bit generator")
    generator = np.random.RandomState(kind(0))
    generator.set_state(state)
    return generator


@dataclass(frozen=True)
class Settings:
    """The parameters of these names, which concern every solver.

    Attributes
    ----------
    loss : {"log_loss", "squared_error"}
    alpha : float
    class_weight : dict, list of dict, "balanced" or None
    n_jobs : int or None
        Threads to train with, as scikit-learn means it.
    verbose : bool or int
    """

    loss: str
    alpha: float
    class_weight: Any
    n_jobs: int | None
    verbose: bool | int


@dataclass(frozen=True)
class Given:
    """What fit is given, as checked; several trainings may share it.

    Attributes
    ----------
    rows : TrainingRows
    labels : Labels
    validation : ValidationRows or None
        The user's rows for the rule's score, and for callbacks.
    encoding : Encoding
    """

    rows: TrainingRows
    labels: Labels
    validation: ValidationRows | None
    encoding: Encoding


@dataclass
class Training:
    """What a call to fit works on.

    Attributes
    ----------
    given : Given
    network : Network
    rule : StoppingRule
    state : TrainingState
        Advanced by a solver that is :meth:`started`.
    random_state : RandomState
        Has drawn the initial weights; splits and shuffles the rows.
    is_drawn : bool
        Whether the initial weights were drawn, not given.
    first_weights : pair of lists of ndarray or None
        The initial coefs and intercepts, where another object holds them anyway.
    lengths : tuple of pairs of list and int
        The lists of the kept state, each with its length before training.
    usual : Usual
        The size that its outputs are compared with, to tell divergence.
    watch : Watch
        Exists only while training runs.
    memory : dict
        What callbacks keep for this call.
    """

    given: Given
    network: Network
    rule: StoppingRule
    state: TrainingState
    random_state: np.random.RandomState
    is_drawn: bool = False
    first_weights: Weights | None = None
    lengths: tuple[tuple[list, int], ...] = ()
    usual: Usual = field(default_factory=Usual)
    watch: Watch = field(init=False, repr=False)
    memory: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def new(cls, given: Given, network, rule, random_state, weight_init) -> Training:
        """Start with freshly drawn weights."""
        random_state = check_random_state(random_state)
        theta = draw_weights(network, weight_init, random_state, given.rows.X.dtype)
        return cls(given, network, rule, TrainingState(theta), random_state, is_drawn=True)

    @classmethod
    def continued(
        cls,
        given: Given,
        network,
        rule,
        random_state,
        kept: TrainingState,
        weights: Weights,
    ) -> Training:
        """Resume from the state ``kept``, which stays unchanged, and from its generator.

        ``weights`` are the estimator's current ones. If they are not those that the state
        published, the user has set them, and training continues from them.
        """
        theta = network.pack(*weights, given.rows.X.dtype)
        published = kept.published_theta.astype(theta.dtype, copy=False)
        first_weights: Weights | None = weights
        if not np.array_equal(theta, published):
            state = kept.copy_to_train(theta)
            state.best.forget()
        elif kept.best.theta is None:
            state = kept.copy_to_train(theta)
        else:
            state = kept.copy_to_train(kept.theta.astype(theta.dtype))
            first_weights = None
        if state.random_state is None:
            generator = check_random_state(random_state)
        else:
            generator = restored_generator(state.random_state)
        return cls(
            given,
            network,
            rule,
            state,
            generator,
            first_weights=first_weights,
            lengths=tuple((numbers, len(numbers)) for numbers in kept.lists),
        )

    @property
    def rows(self) -> TrainingRows:
        return self.given.rows

    @property
    def labels(self) -> Labels:
        return self.given.labels

    @property
    def validation(self) -> ValidationRows | None:
        return self.given.validation

    def roll_back(self) -> None:
        """Restore the lists of the state that training resumed from."""
        for numbers, length in self.lengths:
            del numbers[length:]

    @property
    def holds_out(self) -> bool:
        """Whether some rows are held out for the rule's score."""
        return self.rule.scoring is not None and self.validation is None

    def resume_from(self, state: TrainingState) -> None:
        """Continue from this state and its generator."""
        self.state, self.random_state = state, restored_generator(state.random_state)
        self.first_weights = None

    def kept_state(self) -> TrainingState:
        """The state, with the generator's, so that training can resume from it."""
        self.state.random_state = self.random_state.get_state(legacy=False)
        return self.state

    def set_weights(self, coefs, intercepts) -> None:
        """Replace the drawn weights by those that are not None."""
        drawn = self.network.unpack(self.state.theta)
        coefs = drawn[0] if coefs is None else coefs
        intercepts = drawn[1] if intercepts is None else intercepts
        self.state.theta = self.network.pack(coefs, intercepts, self.state.theta.dtype)
        self.is_drawn = False

    @contextmanager
    def started(
        self, solver: Solver, settings: Settings, task: FitTask, n_epochs: int
    ) -> Iterator[SolverRun]:
        """A solver that advances the state, for the duration of the block.

        Parameters
        ----------
        solver : Solver
        settings : Settings
        task : FitTask
        n_epochs : int
            About how many passes over the rows will follow.
        """
        rows, network, state = self.rows, self.network, self.state
        targets = self.given.encoding.targets(network)
        weight = apply_class_weight(
            settings.class_weight, rows.y, self.labels, rows.sample_weight
        )
        with uninterrupted():
            self._split(targets, weight)
            state.judge_by(self.rule.criterion(self.validation))
        samples = self.given.encoding.samples(network, n_epochs, targets, weight)
        order = state.epoch.order
        score = self._score(settings, weight, task.fitted)
        batch_size = min(solver.batch_rows(len(order)), len(order))
        threads = n_threads(settings.n_jobs, useful_threads(network, samples.X, batch_size))
        with Team(threads) as team:
            objective = Objective(network, settings.loss, settings.alpha, samples, order, team)
            constant = constant_loss(settings.loss, network, targets, weight, np.sort(order))
            with self.started_on(objective, constant, score, solver, settings, task) as run:
                yield run

    @contextmanager
    def started_on(
        self,
        objective: Objective,
        constant: float,
        score: Score | None,
        solver: Solver,
        settings: Settings,
        task: FitTask,
    ) -> Iterator[SolverRun]:
        """The same on an objective that is there already.

        Parameters
        ----------
        objective : Objective
        constant : float
            The best constant's loss.
        score : callable or None
            Score of a theta on the validation rows.
        solver, settings, task : as in :meth:`started`
        """
        state = self.state
        first = self.first_weights or self.network.unpack(state.theta.copy())
        x_size = self.given.encoding.x_size
        divergence = Divergence(objective, x_size, constant, first=first, usual=self.usual)
        judges = Judges(self.rule, divergence, Plateau(objective, constant), score)
        with Interrupts() as interrupts:
            self.watch = Watch(
                state,
                objective,
                judges,
                task,
                interrupts,
                verbose=settings.verbose,
                unit=solver.unit,
            )
            try:
                yield solver.start(objective, state, self.watch, self.random_state)
            finally:
                del self.watch  # it may refer to this object, and would keep its arrays alive
                if not state.epoch.is_within_batch:
                    state.epoch.gradient = None

    def plateau_warning(self) -> str | None:
        """What to tell the user if training has ended on the plateau; None if it has not.

        After partial_fit nothing has ended.
        """
        if not self.rule.ends_training:
            return None
        names = self.rows.features.get("feature_names_in_")
        return self.watch.plateau.warning(self.state, names)

    def _split(self, targets, weight) -> None:
        """Give the state its training and held-out rows, unless it has them."""
        state = self.state
        order, held_out = state.epoch.order, state.epoch.held_out
        if not state.epoch.fits_rows(len(targets), self.holds_out):
            order, held_out = np.arange(len(targets), dtype=np.intp), None
            if self.holds_out:
                if isinstance(self.rows.X, RowBlocks):
                    raise ValueError(
                        "early_stopping=True holds no rows out of an X that is read in blocks:"
                        " give X_val and y_val, or set early_stopping=False."
                    )
                order, held_out = hold_out(
                    targets, weight, self.rule.validation_fraction, self.random_state
                )
        elif held_out is not None:
            order, held_out = spread_classes(targets, weight, order, held_out)
        if order is not state.epoch.order:
            state.start_on_rows(order, held_out)

    def _score(self, settings: Settings, weight, fitted) -> Score | None:
        """The score on the validation rows, if there are any."""
        scoring, rows = self.rule.scoring, self.validation
        if scoring is None:
            return None
        if rows is not None:
            X, y = rows.X, rows.y
            weight = apply_class_weight(
                settings.class_weight, y, self.labels, rows.sample_weight
            )
        else:
            held_out = self.state.epoch.held_out
            X, y, weight = self.rows.X[held_out], self.rows.y[held_out], weight[held_out]
        if scoring == "accuracy":
            output_layer = OutputLayer(self.network.out_activation, self.labels.multilabel)
            indices = self.labels.indices(y)
            return accuracy_on(self.network, output_layer, X, indices, weight)
        if scoring == "loss":
            return minus_loss_on(
                self.network,
                settings.loss,
                Samples(X, as_targets(self.labels.indices(y), self.network), weight),
            )
        return scorer_on(scoring, fitted, X, y, weight)
