// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@Suite struct LatencyHistogramTests {
    private typealias Histogram = LatencyHistogram

    @Test func everyTimeSpanIsInTheOneBucketWhoseBoundsHoldIt() {
        var spans: [UInt64] = [0, 1, 999, 1000, 1001, 2000, 2001, 3000, 3001, 4000, Histogram.longest, .max]
        for bucket in 0..<(Histogram.bucketCount - 1) {
            let bound = Histogram.bound(of: bucket)!
            spans += [bound - 1, bound, bound + 1]
        }
        for span in spans {
            let bucket = Histogram.bucket(of: span)
            #expect((0..<Histogram.bucketCount).contains(bucket))
            if let bound = Histogram.bound(of: bucket) { #expect(span <= bound, "\(span)") }
            if bucket > 0 { #expect(span > Histogram.bound(of: bucket - 1)!, "\(span)") }
        }
    }

    @Test func boundsGrowByNoMoreThanHalfBeyondTwoMicroseconds() {
        for bucket in 2..<(Histogram.bucketCount - 1) {
            let (low, high) = (Histogram.bound(of: bucket - 1)!, Histogram.bound(of: bucket)!)
            #expect(high > low && high * 2 <= low * 3, "\(bucket)")
        }
        #expect(Histogram.bound(of: Histogram.bucketCount - 2) == Histogram.longest)
        #expect(Histogram.bound(of: Histogram.bucketCount - 1) == nil)
    }

    @Test func countAndSumAreThoseOfAllThatWasRecorded() {
        var histogram = Histogram()
        for span in [500, 1500, 1500, 70_000_000_000] as [UInt64] { histogram.record(span) }
        #expect(histogram.count == 4 && histogram.sum == 70_000_003_500)
        #expect(histogram[0] == 1 && histogram[1] == 2 && histogram[Histogram.bucketCount - 1] == 1)
        #expect((0..<Histogram.bucketCount).reduce(0) { $0 + histogram[$1] } == 4)
    }
}
