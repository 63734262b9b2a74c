#pragma once

#include <vector>

#include "scenes.hpp"

// How good a detector is.

/// Of one class: when detections are taken in the order of their scores, how much of what is there has been found
/// (recall), and how much of what has been taken is right (precision).
struct PrecisionRecall {
    std::vector<double> recall, precision;
    /// The area under the curve, each precision being the best at this recall or a higher one: all points count (as the
    /// Pascal Visual Object Classes challenge has done since 2010: Everingham, Eslami, Van Gool, Williams, Winn and
    /// Zisserman 2015).
    double average_precision() const;
};

/// For each class: a detection is right when its box overlaps one of its class in its picture by an IoU of at least
/// `iou`, and no detection with a higher score has already been counted for that one.
std::vector<PrecisionRecall> precision_recall(const std::vector<Objects>& found, const std::vector<Objects>& there,
                                              double iou, std::int64_t classes);
