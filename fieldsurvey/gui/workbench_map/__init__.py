"""The supervisor's map: millions of points, verdicts of stretches and settlements, one selection.

``workbench_map.WorkbenchMap`` is the widget, ``map_data`` what it is given; the layers are shared
with the drive window's map as far as both draw the same. Must not know where measurements come from
or how they are judged.
"""
