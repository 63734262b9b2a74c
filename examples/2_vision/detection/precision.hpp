#pragma once

#include <vector>

#include "scenes.hpp"

// The evaluation of a detector.

/// For one class: as detections are taken in the order of their scores, the fraction of the objects found so far
/// (recall), and the fraction of the detections so far that are right (precision).
struct PrecisionRecall {
    std::vector<double> recall, precision;
    /// The area under the curve, where each precision is the maximum at this recall or higher: all points are used (as
    /// the Pascal Visual Object Classes challenge has done since 2010: Everingham, Eslami, Van Gool, Williams, Winn and
    /// Zisserman 2015).
    double average_precision() const;
};

/// For each class: a detection is right when its box overlaps an object of its class in its image by an IoU of at least
/// `iou`, and no detection with a higher score has already been matched to that object.
std::vector<PrecisionRecall> precision_recall(const std::vector<Objects>& found, const std::vector<Objects>& there,
                                              double iou, std::int64_t classes);
