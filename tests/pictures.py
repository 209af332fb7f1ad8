"""How alike two pictures are."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Grey = NDArray[Any]


def ssim(a: Grey, b: Grey) -> float:
    """Mean structural similarity over 8x8 windows of two grey pictures (Wang et al. 2004)."""

    def windows(x: Grey) -> Grey:
        h, w = (side // 8 * 8 for side in x.shape)
        return x[:h, :w].reshape(h // 8, 8, w // 8, 8).swapaxes(1, 2).reshape(-1, 64)

    x, y = windows(a.astype(float)), windows(b.astype(float))
    mx, my = x.mean(1), y.mean(1)
    cov = ((x - mx[:, None]) * (y - my[:, None])).mean(1)
    c1, c2 = 6.5025, 58.5225
    return float(
        (((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (x.var(1) + y.var(1) + c2))).mean()
    )
