#pragma once

#include <string>

#include "training_log.hpp"

namespace xgrad::nn {

/// A training run as one HTML page: a curve for each column (training and validation in one), the best epoch marked, and all numbers as a
/// table. Nothing is fetched from elsewhere; it follows the reader's light or dark colours.
XGRAD_API std::string report_html(const History& history, const std::string& title = "Training run");

}  // namespace xgrad::nn
